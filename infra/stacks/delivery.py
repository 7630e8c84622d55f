"""CloudFront for public ledgers: anyone may read them, without an AWS account."""

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings
from infra.stage_stack import StageStack, acknowledge, name_of

NOT_A_LISTING = "index.html"
"""The object of `/`. It does not exist, so `/` is 404 and never a list of the bucket."""


class DeliveryStack(StageStack):
    """One distribution; the bucket's policy lets it read the prefixes of public ledgers only."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "delivery", settings, "Audit Ledger: public ledgers on CloudFront")
        bucket = s3.Bucket.from_bucket_name(self, "Published", self.names.bucket("published"))
        access = cloudfront.S3OriginAccessControl(
            self,
            "Access",
            description=f"{self.names.prefix}: reads published files",
            signing=cloudfront.Signing.SIGV4_ALWAYS,
        )
        certificate = settings.certificate
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{self.names.prefix}: public ledgers",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(
                    bucket, origin_access_control=access
                ),
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                # No query string, cookie or header reaches S3, so no request becomes a listing.
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                # So that a verifier may run in a web page.
                response_headers_policy=(
                    cloudfront.ResponseHeadersPolicy.CORS_ALLOW_ALL_ORIGINS_AND_SECURITY_HEADERS
                ),
            ),
            default_root_object=NOT_A_LISTING,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass.PRICE_CLASS_100,
            minimum_protocol_version=(
                cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021 if certificate else None
            ),
            domain_names=[settings.domain] if certificate else None,
            certificate=(
                acm.Certificate.from_certificate_arn(self, "Certificate", certificate)
                if certificate
                else None
            ),
        )
        # The bucket's own stack lets CloudFront read: see bucket_policies.
        cdk.Annotations.of(distribution).acknowledge_warning(
            "@aws-cdk/aws-cloudfront-origins:updateImportedBucketPolicyOac"
        )
        self._acknowledge(distribution)
        host = settings.domain if certificate else distribution.distribution_domain_name
        for ledger in settings.ledgers:
            if ledger.public:
                self.output(
                    name_of("Public", ledger.id),
                    f"https://{host}/{ledger.id}",
                    f"{ledger.id}, for everyone",
                )
        self.output("Distribution", distribution.distribution_domain_name, "CNAME of the domain")

    def _acknowledge(self, distribution: cloudfront.Distribution) -> None:
        acknowledge(
            distribution,
            "Its files are published for verification by anyone, anywhere.",
            ["AwsSolutions-CFR1"],
        )
        acknowledge(
            distribution,
            "Static files without query, cookie or body, by GET and HEAD: there is no input for a "
            "web application firewall to judge, and CloudFront absorbs floods.",
            ["AwsSolutions-CFR2"],
        )
        acknowledge(
            distribution,
            "Verifiers of a public ledger stay anonymous: readers' addresses are not recorded. "
            "The requests of CloudFront to S3 are in the access log of the bucket.",
            ["AwsSolutions-CFR3"],
        )
        if not self.settings.certificate:
            acknowledge(
                distribution,
                "Without a certificate for the domain, CloudFront's own name and certificate "
                "serve, whose oldest TLS version only AWS can set; clients negotiate 1.2 or 1.3.",
                ["AwsSolutions-CFR4"],
            )
