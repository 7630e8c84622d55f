"""The bucket of the directory: users with departments, patients with encounters. It is optional.

It contains personal data, and exists only if the settings name its writers. They write and never
read; only the follower reads. Replaced versions are deleted after a week.
"""

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from infra.iam.permissions import Permission
from infra.iam.statements import deny_all, unless_role
from infra.names import Names
from infra.stage_stack import StageStack, acknowledge

PURPOSE = "directory"
REPLACED_DAYS = 7


def add_directory_bucket(stack: StageStack, access_logs: s3.IBucket) -> None:
    """Add bucket and key, if the settings name its writers."""
    writers = stack.settings.directory_writers
    if not writers:
        return
    names = stack.names
    key = kms.Key(
        stack,
        "DirectoryKey",
        alias=f"alias/{names.prefix}/{PURPOSE}",
        description="Encrypts the directory of users, patients and encounters",
        enable_key_rotation=True,
        removal_policy=stack.removal_policy,
    )
    bucket = s3.Bucket(
        stack,
        "Directory",
        bucket_name=names.bucket(PURPOSE),
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        encryption=s3.BucketEncryption.KMS,
        encryption_key=key,
        bucket_key_enabled=True,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        versioned=True,
        server_access_logs_bucket=access_logs,
        server_access_logs_prefix=f"{PURPOSE}/",
        removal_policy=stack.removal_policy,
        lifecycle_rules=[
            s3.LifecycleRule(
                noncurrent_version_expiration=cdk.Duration.days(REPLACED_DAYS),
                expired_object_delete_marker=True,
                abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
            )
        ],
    )
    everything = names.bucket_arn(PURPOSE, "*")
    bucket.add_to_resource_policy(
        deny_all(
            "OnlyThoseNamedFeedIt",
            ["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"],
            [everything],
            unless_role(*writers),
        )
    )
    bucket.add_to_resource_policy(
        deny_all(
            "OnlyTheFollowerReadsIt",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [everything],
            unless_role(names.follower_role),
        )
    )
    acknowledge(
        bucket,
        "A copy of what other systems of the hospital hold, put whenever it changes: one that "
        "is lost is put once more.",
        ["HIPAA.Security-S3BucketReplicationEnabled"],
    )
    stack.output("DirectoryBucket", bucket.bucket_name, "The directory is under s3://…/<ledger>")


def directory_permissions(names: Names) -> list[Permission]:
    """Return the permissions with which the follower reads it."""
    return [
        Permission(
            "ReadDirectory",
            ["s3:GetObject"],
            [names.bucket_arn(PURPOSE, "*")],
            why_pattern="The files of every ledger of the stage, each below its own prefix.",
        ),
        Permission("SeeDirectory", ["s3:ListBucket"], [names.bucket_arn(PURPOSE)]),
        Permission(
            "DecryptDirectory",
            ["kms:Decrypt"],
            [names.arn("kms", "key/*")],
            {
                "ForAnyValue:StringEquals": {
                    "kms:ResourceAliases": f"alias/{names.prefix}/{PURPOSE}"
                }
            },
            why_pattern="The directory's one key, by its alias: it is in another stack.",
        ),
    ]
