"""JSON merge patches (RFC 7396)."""


def merged(value: object, patch: object) -> object:
    """Return ``value`` with a patch; a list is patched item by item, which the RFC leaves out."""
    if isinstance(value, list) and isinstance(patch, dict):
        return [merged(item, patch) for item in value]
    if not isinstance(value, dict) or not isinstance(patch, dict):
        return patch
    result = dict(value)
    for name, part in patch.items():
        if part is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), part) if isinstance(part, dict) else part
    return result
