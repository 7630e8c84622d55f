"""A small app as CDK synthesizes it: two stacks, written by hand so that no Node is needed."""

import json
from pathlib import Path
from typing import Any

ISSUER = {"Fn::GetAtt": ["Users", "ProviderURL"]}
HANDLERS = "tests.local.handlers"

SHARED: dict[str, Any] = {
    "Parameters": {
        "BootstrapVersion": {
            "Type": "AWS::SSM::Parameter::Value<String>",
            "Default": "/cdk-bootstrap/hnb659fds/version",
        }
    },
    "Resources": {
        "Blocks": {
            "Type": "AWS::DynamoDB::Table",
            "DeletionPolicy": "Retain",
            "Properties": {
                "TableName": "small-blocks",
                "AttributeDefinitions": [
                    {"AttributeName": "origin", "AttributeType": "S"},
                    {"AttributeName": "first_seq", "AttributeType": "N"},
                ],
                "KeySchema": [
                    {"AttributeName": "origin", "KeyType": "HASH"},
                    {"AttributeName": "first_seq", "KeyType": "RANGE"},
                ],
                "BillingMode": "PAY_PER_REQUEST",
                "DeletionProtectionEnabled": True,
                "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
                "SSESpecification": {"SSEEnabled": True},
                "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            },
        },
        "Published": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketName": {
                    "Fn::Join": [
                        "-",
                        ["small-published", {"Ref": "AWS::AccountId"}, {"Ref": "AWS::Region"}],
                    ]
                },
                "ObjectLockEnabled": True,
                "VersioningConfiguration": {"Status": "Enabled"},
                "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
            },
        },
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "small"}},
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "small-echo"}},
        "Echo": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "small-echo",
                "Handler": f"{HANDLERS}.echo",
                "Runtime": "python3.13",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"TABLE": {"Ref": "Blocks"}, "STAGE": "small"}},
                "Timeout": 20,
                "MemorySize": 512,
                "DeadLetterConfig": {"TargetArn": {"Fn::GetAtt": ["Undelivered", "Arn"]}},
            },
        },
        "EchoVersion": {
            "Type": "AWS::Lambda::Version",
            "Properties": {"FunctionName": {"Ref": "Echo"}},
        },
        "EchoAlias": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {
                "FunctionName": {"Ref": "Echo"},
                "FunctionVersion": {"Fn::GetAtt": ["EchoVersion", "Version"]},
                "Name": "live",
            },
        },
        "Undelivered": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"QueueName": "small-undelivered"},
        },
        "Users": {"Type": "AWS::Cognito::UserPool"},
        "Client": {"Type": "AWS::Cognito::UserPoolClient", "Properties": {"ClientName": "portal"}},
        "Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"ProtocolType": "HTTP"}},
        "Jwt": {
            "Type": "AWS::ApiGatewayV2::Authorizer",
            "Properties": {
                "ApiId": {"Ref": "Api"},
                "AuthorizerType": "JWT",
                "IdentitySource": ["$request.header.Authorization"],
                "JwtConfiguration": {"Audience": [{"Ref": "Client"}], "Issuer": ISSUER},
            },
        },
        "EchoIntegration": {
            "Type": "AWS::ApiGatewayV2::Integration",
            "Properties": {
                "IntegrationType": "AWS_PROXY",
                "IntegrationUri": {"Fn::GetAtt": ["Echo", "Arn"]},
                "PayloadFormatVersion": "2.0",
            },
        },
        "Fact": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "EventPattern": {
                    "account": ["111122223333"],
                    "detail-type": [{"prefix": "record."}],
                },
                "Targets": [
                    {
                        "Id": "Target0",
                        "Arn": {"Fn::GetAtt": ["Echo", "Arn"]},
                        "InputTransformer": {
                            "InputPathsMap": {"event": "$", "kind": "$.detail-type"},
                            "InputTemplate": '{"portal":"his","kind":<kind>,"event":<event>}',
                        },
                    }
                ],
            },
        },
        **{
            name: {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "RouteKey": key,
                    "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "EchoIntegration"}]]},
                    **authorization,
                },
            }
            for name, key, authorization in (
                ("Metadata", "GET /metadata", {"AuthorizationType": "NONE"}),
                (
                    "Events",
                    "POST /events",
                    {"AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Jwt"}},
                ),
                (
                    "Paths",
                    "GET /published/{path+}",
                    {"AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Jwt"}},
                ),
                (
                    "Scoped",
                    "DELETE /events/{id}",
                    {
                        "AuthorizationType": "JWT",
                        "AuthorizerId": {"Ref": "Jwt"},
                        "AuthorizationScopes": ["ledger/erase"],
                    },
                ),
            )
        },
    },
    "Outputs": {
        "BlocksName": {"Value": {"Ref": "Blocks"}, "Export": {"Name": "small:blocks"}},
        "Url": {"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}},
    },
}

LEDGER: dict[str, Any] = {
    "Resources": {
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {
                "KeyPolicy": {"Version": "2012-10-17", "Statement": []},
                "KeySpec": "ECC_NIST_EDWARDS25519",
                "KeyUsage": "SIGN_VERIFY",
            },
        },
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {
                "AliasName": "alias/small/sequencer",
                "TargetKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
            },
        },
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": "small-one",
                "VisibilityTimeout": 60,
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]},
                    "maxReceiveCount": 3,
                },
            },
        },
        "Dead": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "small-one-dead"}},
        "Settings": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/small/one", "Type": "String", "Value": "{}"},
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "small-one-sequencer"}},
        "Sequencer": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "small-one-sequencer",
                "Handler": f"{HANDLERS}.consume",
                "Runtime": "python3.13",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Environment": {"Variables": {"BLOCKS_TABLE": {"Fn::ImportValue": "small:blocks"}}},
            },
        },
        "Mapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "FunctionName": {"Ref": "Sequencer"},
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "BatchSize": 1000,
                "MaximumBatchingWindowInSeconds": 1,
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "ScalingConfig": {"MaximumConcurrency": 2},
            },
        },
        "Tick": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "small-one-tick",
                "ScheduleExpression": "rate(1 minute)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["Sequencer", "Arn"]},
                    "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                    "Input": '{"tick":true}',
                },
            },
        },
    },
}


def write_assembly(folder: Path, stacks: dict[str, dict[str, Any]] | None = None) -> Path:
    """Write a cloud assembly; the ledger's stack depends on the shared one and is listed first."""
    chosen = stacks or {"small-ledger": LEDGER, "small-shared": SHARED}
    for name, template in chosen.items():
        (folder / f"{name}.template.json").write_text(json.dumps(template))
    artifacts = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": "aws://unknown-account/unknown-region",
            "properties": {"templateFile": f"{name}.template.json"},
            "dependencies": ["small-shared", f"{name}.assets"] if name == "small-ledger" else [],
        }
        for name in chosen
    }
    (folder / "manifest.json").write_text(json.dumps({"version": "55.0.0", "artifacts": artifacts}))
    return folder
