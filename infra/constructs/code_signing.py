"""Code signing: if settings name a signing profile, Lambda runs only code signed by it.

Off by default, because `cdk deploy` uploads unsigned assets: docs/decisions/0010-code-signing.md
describes the signing steps. Enforced where it is on: a warning would stop no one.
"""

from typing import cast

from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_signer as signer

from infra.stage_stack import StageStack

_ID = "CodeSigning"


def code_signing_of(stack: StageStack) -> lambda_.ICodeSigningConfig | None:
    """Return the stack's configuration, one for all its functions, or None without a profile.

    One per stack, not per stage: the setting can then be removed, without an export that another
    stack still uses.
    """
    profile = stack.settings.signing_profile
    if profile is None:
        return None
    made = stack.node.try_find_child(_ID)
    if made is not None:
        return cast(lambda_.CodeSigningConfig, made)
    name, version = profile.split("/")[-2:]
    named = signer.SigningProfile.from_signing_profile_attributes(
        stack, "SigningProfile", signing_profile_name=name, signing_profile_version=version
    )
    config = lambda_.CodeSigningConfig(
        stack,
        _ID,
        signing_profiles=[named],
        untrusted_artifact_on_deployment=lambda_.UntrustedArtifactOnDeployment.ENFORCE,
        description=f"{stack.names.prefix}: functions signed by {name} alone",
    )
    cast(
        lambda_.CfnCodeSigningConfig, config.node.default_child
    ).allowed_publishers = lambda_.CfnCodeSigningConfig.AllowedPublishersProperty(
        signing_profile_version_arns=[profile]  # as in the settings, of any account
    )
    return config
