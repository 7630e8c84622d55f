"""The buckets of published, archived and index objects, and one for their access logs.

Object Lock is enabled without a default: the publisher sets retention object by object, because
partial tiles, `checkpoint` and `digests/latest` must stay replaceable.
"""

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.constructs.directory_bucket import add_directory_bucket
from infra.iam.bucket_policies import archive_statements, index_statements, published_statements
from infra.settings import Settings
from infra.stage_stack import StageStack, acknowledge

SUPERSEDED_DAYS = 7  # old versions of `checkpoint` and `digests/latest`, deleted partial tiles
TO_COLD_DAYS = 30  # blocks of 128 KB and more; S3 leaves smaller objects where they are
ACCESS_LOG_DAYS = 400


class BucketsStack(StageStack):
    """Buckets of all ledgers of a stage, a prefix per ledger in each."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "buckets", settings, "Audit Ledger: published files and archive")
        self._access_logs = self._bucket("AccessLogs", "access-logs")
        self._access_logs.add_lifecycle_rule(expiration=cdk.Duration.days(ACCESS_LOG_DAYS))
        acknowledge(
            self._access_logs,
            "Receives the access logs of the other two buckets, written by S3 itself, which can "
            "encrypt them with S3-managed keys only; they expire and can be lost without harm to "
            "any ledger, so it has no versions, replicas or access logs of its own.",
            [
                "HIPAA.Security-S3BucketVersioningEnabled",
                "HIPAA.Security-S3BucketReplicationEnabled",
                "HIPAA.Security-S3DefaultEncryptionKMS",
            ],
        )
        published = self._locked_bucket("Published", "published")
        for statement in published_statements(self.names, settings):
            published.add_to_resource_policy(statement)
        acknowledge(
            published,
            "Contains only hashes, signatures and times, to be read by anyone: S3-managed "
            "encryption lets auditors in other accounts and CloudFront read without a KMS grant.",
            ["HIPAA.Security-S3DefaultEncryptionKMS"],
        )
        acknowledge(
            published,
            "Everything in it can be computed again from blocks and archive, and witnesses, "
            "mirrors and verifiers hold copies; locked objects cannot be deleted.",
            ["HIPAA.Security-S3BucketReplicationEnabled"],
        )
        archive = self._locked_bucket("Archive", "archive")
        archive.add_lifecycle_rule(
            transitions=[
                s3.Transition(
                    storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL,
                    transition_after=cdk.Duration.days(TO_COLD_DAYS),
                )
            ],
        )
        for statement in archive_statements(self.names, settings):
            archive.add_to_resource_policy(statement)
        acknowledge(
            archive,
            "Its records are sealed with AES-256-GCM under KMS-wrapped keys before they are stored."
            " With an additional KMS key, anyone who schedules its deletion destroys the copy from "
            "which the ledger is rebuilt.",
            ["HIPAA.Security-S3DefaultEncryptionKMS"],
        )
        acknowledge(
            archive,
            "It is itself the second copy of the blocks table, under Object Lock, in a service of "
            "eleven nines; a third copy in another region is the operator's choice and cost.",
            ["HIPAA.Security-S3BucketReplicationEnabled"],
        )
        self._add_index_bucket(settings)
        add_directory_bucket(self, self._access_logs)
        self.output("PublishedBucket", published.bucket_name, "A ledger is under s3://…/<ledger>")
        self.output("ArchiveBucket", archive.bucket_name, "Blocks and dead letters, private")

    def _add_index_bucket(self, settings: Settings) -> None:
        index = self._bucket(
            "Index",
            "index",
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix="index/",
        )
        index.add_lifecycle_rule(abort_incomplete_multipart_upload_after=cdk.Duration.days(1))
        for statement in index_statements(self.names, settings):
            index.add_to_resource_policy(statement)
        acknowledge(
            index,
            "Everything in it is derived from blocks, named after its hash, and can be computed "
            "again: it has no versions and no replica. It contains pseudonyms and times, which are "
            "worth nothing without the ledger's keys.",
            [
                "HIPAA.Security-S3BucketVersioningEnabled",
                "HIPAA.Security-S3BucketReplicationEnabled",
                "HIPAA.Security-S3DefaultEncryptionKMS",
            ],
        )

    def _locked_bucket(self, construct_id: str, purpose: str) -> s3.Bucket:
        bucket = self._bucket(
            construct_id,
            purpose,
            object_lock_enabled=True,
            versioned=True,
            server_access_logs_bucket=self._access_logs,
            server_access_logs_prefix=f"{purpose}/",
        )
        # Never removes a locked version: S3 itself refuses.
        bucket.add_lifecycle_rule(
            noncurrent_version_expiration=cdk.Duration.days(SUPERSEDED_DAYS),
            expired_object_delete_marker=True,
            abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
        )
        return bucket

    def _bucket(self, construct_id: str, purpose: str, **more: object) -> s3.Bucket:
        return s3.Bucket(
            self,
            construct_id,
            bucket_name=self.names.bucket(purpose),
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            removal_policy=self.removal_policy,
            **more,  # type: ignore[arg-type]
        )
