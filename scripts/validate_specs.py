"""Validates the OpenAPI and AsyncAPI documents against the standards. validate-specs installs its packages and runs it.

For both: the document is valid, and every example is accepted by the schema that it illustrates.
For OpenAPI also: each operation has an id and a summary or description, each request and response body an example.
"""

import json
import sys
from pathlib import Path

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import best_match
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from openapi_spec_validator import OpenAPIV30SpecValidator

# The document of each service that has operations (the storefront has pages), and the merged one.
ROOT = Path(__file__).parent.parent
SERVICES = sorted({source.relative_to(ROOT).parts[1] for source in ROOT.glob("svc/*/src/api*") if source.stem == "api"})
DOCUMENTS = [*SERVICES, "ticketing"]
SCHEMAS = ROOT / "openapi" / "schema"
METHODS = {"get", "put", "post", "delete", "patch", "head", "options", "trace"}


def resolve(document, node):
    """Follows local references to a node that is none."""
    while isinstance(node, dict) and "$ref" in node:
        reference = node["$ref"]
        node = document
        for part in reference.removeprefix("#/").split("/"):
            part = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, dict) or part not in node:
                raise LookupError(f"{reference} does not exist")
            node = node[part]
    return node


def references(node):
    """Yields every `$ref` of a document, except in examples and property names."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node
        for name, value in node.items():
            if name not in ("example", "examples"):
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def refused(document, schema, example, validator, formats):
    """Returns why a schema of the document refuses an example, or None."""
    inside = {"allOf": [schema], "components": document.get("components", {})}
    error = best_match(validator(inside, format_checker=formats).iter_errors(example))
    return error and f"{error.json_path}: {error.message}"


def openapi_errors(document):
    invalid = [
        f"{'/'.join(map(str, error.absolute_path)) or 'document'}: {error.message}"
        for error in OpenAPIV30SpecValidator(document).iter_errors()
    ]
    if invalid:  # invalid schemas cannot validate examples
        yield from invalid
        return
    for path, item in document.get("paths", {}).items():
        for method in METHODS & item.keys():
            yield from operation_errors(document, f"{method.upper()} {path}", item[method])


def operation_errors(document, name, operation):
    if not operation.get("operationId"):
        yield f"{name}: no operationId"
    if not (operation.get("summary") or operation.get("description")):
        yield f"{name}: neither summary nor description"
    bodies = {"request": operation.get("requestBody", {})} | operation.get("responses", {})
    for what, body in bodies.items():
        for kind, media in resolve(document, body).get("content", {}).items():
            if "schema" not in media or "json" not in kind:
                continue
            shown = [resolve(document, e).get("value") for e in media.get("examples", {}).values()]
            shown += [m["example"] for m in (media, resolve(document, media["schema"])) if "example" in m]
            if not shown:
                yield f"{name}, {what}: no example"
            for example in shown:
                if why := refused(document, media["schema"], example, OAS30Validator, oas30_format_checker):
                    yield f"{name}, {what}: the example is refused by its schema: {why}"


def asyncapi_errors(document):
    standard = json.loads((SCHEMAS / "asyncapi-3.0.0.json").read_text())
    for error in Draft7Validator(standard).iter_errors(document):
        deepest = best_match([error])
        yield f"{deepest.json_path}: {deepest.message[:300]}"
    for name, message in document.get("components", {}).get("messages", {}).items():
        examples = message.get("examples", [])
        if not examples:
            yield f"{name}: no example"
        for example in examples:
            payload, formats = message.get("payload", {}), FormatChecker()
            if why := refused(document, payload, example.get("payload"), Draft7Validator, formats):
                yield f"{name}: the example is refused by its schema: {why}"


def check(file, errors):
    """Prints the errors of a file. Returns whether there are none."""
    try:
        document = json.loads(file.read_text())
        for reference in references(document):
            resolve(document, reference)
        found = sorted(set(errors(document)))
    except FileNotFoundError:
        found = ["is missing; `./justw specs` writes it"]
    except (ValueError, LookupError) as error:
        found = [str(error)]
    for error in found:
        print(f"{file.name}: {error}", file=sys.stderr)
    if not found:
        print(f"{file.name}: valid {'OpenAPI' if 'openapi' in document else 'AsyncAPI'}", file=sys.stderr)
    return not found


def main(folder):
    results = [check(folder / f"{name}.json", openapi_errors) for name in DOCUMENTS]
    results.append(check(folder / "events.asyncapi.json", asyncapi_errors))
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
