"""`aws` and `docker` as the walk-through calls them: each command is checked against what the real one takes."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GLOBAL = {"query", "output", "region"}
DEPLOY = {"stack-name", "template-file", "capabilities", "parameter-overrides"}
"""Options of `aws cloudformation deploy`, which is a command of the tool and no call of the API."""


def main() -> None:
    """Print what the command would, or say what is wrong with it and exit with 2."""
    name, words = sys.argv[1], sys.argv[2:]
    problem = docker(words) if name == "docker" else aws(words)
    if problem:
        raise SystemExit(f"{name} {' '.join(words)}: {problem}")
    if name == "aws":
        sys.stdout.write(printed(words) + "\n")


def docker(words: list[str]) -> str:
    """What is wrong."""
    if words[0] == "login":
        sys.stdin.read()
        return "" if "--password-stdin" in words else "a password on the command line"
    files = [words[words.index("-f") + 1]] if "-f" in words else ["Dockerfile"]
    missing = [file for file in files if not (ROOT / file).exists()]
    if words[:2] != ["buildx", "build"] or missing:
        return f"no such command or file: {missing}"
    arguments = [words[place + 1].split("=")[0] for place, word in enumerate(words) if word == "--build-arg"]
    known = re.findall(r"^ARG (\w+)", (ROOT / files[0]).read_text(), re.MULTILINE)
    if not set(arguments) <= set(known):
        return f"{arguments} is not among {known}"
    return "" if {"--provenance=false", "linux/amd64"} <= set(words) else "Lambda does not take such an image"


def aws(words: list[str]) -> str:
    """What is wrong."""
    options = {word[2:] for word in words if word.startswith("--")}
    if words[:2] == ["cloudformation", "deploy"]:
        return deploy(words, options)
    if words[:2] == ["ecr", "get-login-password"]:
        return ""
    import boto3

    sdk: Any = boto3
    client = sdk.session.Session().client(words[0], region_name="eu-central-1")
    method = words[1].replace("-", "_")
    if method not in client.meta.method_to_api_mapping:
        return "no such operation"
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    members = shape.members if shape else ()
    known = {re.sub(r"(?<=[a-z])(?=[A-Z])", "-", member).lower() for member in members}
    return f"no such options: {options - known - GLOBAL}" if options - known - GLOBAL else ""


def deploy(words: list[str], options: set[str]) -> str:
    """What is wrong with `aws cloudformation deploy`."""
    from tests.deploy.cloudformation import load

    template = load(Path(words[words.index("--template-file") + 1]).name)
    named = any("RoleName" in each["Properties"] for each in template["Resources"].values())
    needed = "CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"
    if needed not in words:
        return f"it needs {needed}"
    for override in words[words.index("--parameter-overrides") + 1 :]:
        name, _, value = override.partition("=")
        if name not in template["Parameters"]:
            return f"no such parameter: {name}"
        if not re.search(template["Parameters"][name].get("AllowedPattern", ""), value):
            return f"{name} does not take {value}"
    return f"no such options: {options - DEPLOY}" if options - DEPLOY else ""


def printed(words: list[str]) -> str:
    """What the walk-through reads from the output."""
    return {
        "get-caller-identity": "123456789012",
        "describe-images": os.environ.get("DIGEST", ""),
        "describe-stacks": json.dumps([{"OutputKey": "FunctionUrl"}]),
    }.get(words[1], "")


if __name__ == "__main__":
    main()
