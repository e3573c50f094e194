"""Settings that are kept as a secret: one JSON object in AWS Secrets Manager or in the SSM Parameter Store."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from service.errors import SettingsError

log = logging.getLogger("ragsql")

SETTING = "RAGSQL_SECRETS"


def with_secrets(env: Mapping[str, str], known: Iterable[str]) -> Mapping[str, str]:
    """The environment, with what the secret adds that RAGSQL_SECRETS names; what the environment says, holds.

    Names that are not known are reported and left out, so that an older version starts with a newer secret.
    Raises SettingsError.
    """
    arn = env.get(SETTING, "").strip()
    if not arn:
        return env
    secrets = _parsed(_fetch(arn))
    if strangers := sorted(set(secrets) - set(known)):
        log.warning("The secret of %s holds what is no setting: %s.", SETTING, ", ".join(strangers))
    added = {name: value for name, value in secrets.items() if name in known and not env.get(name, "").strip()}
    return {**env, **added}


def _parsed(text: str) -> dict[str, str]:
    try:
        values: Any = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise SettingsError({SETTING: 'The secret is not a JSON object of settings, such as {"OPENAI_API_KEY": "…"}.'})
    secrets: dict[str, str] = {}
    for name, value in values.items():  # pyright: ignore[reportUnknownVariableType]
        if not isinstance(value, (str, int)):
            raise SettingsError({SETTING: f"{name} in the secret is neither text, a whole number, true nor false."})
        secrets[str(name)] = str(value)  # pyright: ignore[reportUnknownArgumentType]
    return secrets


def _fetch(arn: str) -> str:
    parts = arn.split(":", 5)
    if len(parts) != 6 or parts[0] != "arn" or parts[2] not in ("secretsmanager", "ssm"):
        raise SettingsError({SETTING: "It must be the ARN of a secret in Secrets Manager or of a parameter in SSM."})
    from service.aws_call import AwsError, call

    _, _, service, region = parts[:4]
    try:
        if service == "ssm":
            return call(service, region, "AmazonSSM.GetParameter", {"Name": arn, "WithDecryption": True})["Parameter"][
                "Value"
            ]
        return call(service, region, "secretsmanager.GetSecretValue", {"SecretId": arn}).get("SecretString", "")
    except AwsError as error:
        problem = f"The secret cannot be read, AWS says: {error}. Check the ARN, the credentials and their rights."
        raise SettingsError({SETTING: problem}) from None
