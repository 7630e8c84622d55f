"""Default tokens: a Cognito user pool without users, a machine client per portal and reader."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.stage_stack import StageStack, acknowledge, name_of

SYSTEM_SCOPES = ("AuditEvent.c", "AuditEvent.rs")
PATIENT_SCOPES = ("AuditEvent.rs",)
TOKEN_MINUTES = 60


def smart_configuration(token_endpoint: str) -> dict[str, Any]:
    """Return the SMART configuration (SMART App Launch 2.2, conformance) of the user pool.

    Machines get tokens by their client's secret; nobody is launched or signs in here. Cognito
    accepts S256 for code challenges, which the specification requires every server to state.
    """
    return {
        "token_endpoint": token_endpoint,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["client_credentials"],
        "scopes_supported": [
            *(f"system/{scope}" for scope in SYSTEM_SCOPES),
            *(f"patient/{scope}" for scope in PATIENT_SCOPES),
        ],
        "code_challenge_methods_supported": ["S256"],
        "capabilities": ["client-confidential-symmetric", "permission-v2"],
    }


class PortalTokens(Construct):
    """Issues tokens if the settings name no issuer. It is in the API's stack, which uses the
    clients as audience: a client could not be removed from a stack whose exports another uses.
    """

    def __init__(self, stack: StageStack) -> None:
        super().__init__(stack, "Tokens")
        settings, names = stack.settings, stack.names
        self._pool = cognito.UserPool(
            self,
            "Pool",
            user_pool_name=names.prefix,
            self_sign_up_enabled=False,
            sign_in_case_sensitive=True,
            mfa=cognito.Mfa.REQUIRED,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=16,
                require_digits=True,
                require_lowercase=True,
                require_uppercase=True,
                require_symbols=True,
            ),
            account_recovery=cognito.AccountRecovery.NONE,
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            deletion_protection=settings.protected,
            removal_policy=stack.removal_policy,
        )
        acknowledge(
            self._pool,
            "The pool has no users and lets none sign up: it issues tokens to machine clients by "
            "their secret (client credentials). What the Plus plan adds watches people signing in.",
            ["AwsSolutions-COG8"],
        )
        domain = self._pool.add_domain(
            "Domain",
            cognito_domain=cognito.CognitoDomainOptions(
                domain_prefix=f"{names.prefix}-{stack.account}"
            ),
        )
        ledgers = sorted(ledger.id for ledger in settings.ledgers)
        portals = sorted({portal.id for each in settings.ledgers for portal in each.portals})
        self._scopes: dict[str, cognito.OAuthScope] = {}
        for name, scopes, what in (
            ("system", SYSTEM_SCOPES, "SMART scopes of machines"),
            ("patient", PATIENT_SCOPES, "SMART scopes of a patient's own token"),
            ("ledger", ledgers, "The ledger that a token is for"),
            ("portal", portals, "The portal that a token is for"),
        ):
            if scopes:
                self._add_scopes(name, scopes, what)
        pool_id = self._pool.user_pool_id
        self.issuer = f"https://cognito-idp.{stack.region}.{stack.url_suffix}/{pool_id}"
        self.audience = self._add_clients(stack)
        endpoint = f"{domain.base_url()}/oauth2/token"
        self.smart_configuration = smart_configuration(endpoint)
        stack.output("TokenEndpoint", endpoint, "Portals get tokens here")
        stack.output("UserPool", pool_id, "To read a client's secret")

    def _add_scopes(self, name: str, scopes: tuple[str, ...] | list[str], what: str) -> None:
        owned = [
            cognito.ResourceServerScope(scope_name=scope, scope_description=f"{what}: {scope}")
            for scope in scopes
        ]
        server = self._pool.add_resource_server(
            f"{name.capitalize()}Scopes", identifier=name, scopes=owned
        )
        for scope in owned:
            full = f"{name}/{scope.scope_name}"
            self._scopes[full] = cognito.OAuthScope.resource_server(server, scope)

    def _add_clients(self, stack: StageStack) -> list[str]:
        """Add a client for each portal and reader with exactly its scopes; return their ids."""
        client_ids = []
        for ledger in stack.settings.ledgers:
            of_ledger = f"ledger/{ledger.id}"
            wanted: dict[str, tuple[str, tuple[str, ...]]] = {
                portal.id: ("portal", ("system/AuditEvent.c", of_ledger, f"portal/{portal.id}"))
                for portal in ledger.portals
            }
            wanted |= dict.fromkeys(ledger.readers, ("reader", ("system/AuditEvent.rs", of_ledger)))
            for id_, (kind, scopes) in wanted.items():
                client = self._pool.add_client(
                    f"Client-{ledger.id}-{id_}",
                    user_pool_client_name=f"{ledger.id}.{id_}",
                    generate_secret=True,
                    access_token_validity=cdk.Duration.minutes(TOKEN_MINUTES),
                    enable_token_revocation=True,
                    prevent_user_existence_errors=True,
                    o_auth=cognito.OAuthSettings(
                        flows=cognito.OAuthFlows(client_credentials=True),
                        scopes=[self._scopes[scope] for scope in scopes],
                    ),
                )
                client_ids.append(client.user_pool_client_id)
                stack.output(
                    name_of("Client", ledger.id, id_),
                    client.user_pool_client_id,
                    f"Client id of {kind} {id_} of {ledger.id}",
                )
        return client_ids
