"""The facts about a vendor that need no request: its name, hosts, and key formats."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Final

from providers_contract.credentials import make_hint
from providers_contract.frozen import dataclass
from providers_contract.hosts import host_matches, host_of

_REGION: Final = re.compile(r"[a-z]{2,4}(?:-[a-z]+)+-\d{1,2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """The environment variables in which people keep the vendor's keys.

    Args:
        words: a variable is for this vendor if its name contains one of these words: `OPENAI` in `OPENAI_API_KEY`.
        not_with: unless its name contains one of these: `AZURE` in `AZURE_OPENAI_API_KEY`.
        key_name: the form of the names, if other things look like the vendor's keys (32 hex digits).
        endpoint: the usual name for the base_url, if the vendor requires one.
        exports: how a credential becomes variables for the vendor's SDKs. The named groups of the first form that
            matches it are the variables, unset if a group has no part; by default, all of it is `<WORD>_API_KEY`.
        base_url: the variable in which the vendor's SDK looks for the base_url; by default `<WORD>_BASE_URL`.
        control_url: that for the hosts with which `VendorFacts.runtime_host` begins, if there are such hosts.
        cleared: variables that an SDK could use instead, which are unset, as are `<WORD>_API_BASE` (LiteLLM).
    """

    words: tuple[str, ...] = ()
    not_with: tuple[str, ...] = ()
    key_name: re.Pattern[str] | None = None
    endpoint: str | None = None
    exports: tuple[re.Pattern[str], ...] = ()
    base_url: str | None = None
    control_url: str | None = None
    cleared: tuple[str, ...] = ()

    def named(self, words: set[str]) -> bool:
        """Return whether a variable whose name consists of `words` is for this vendor."""
        return not words.isdisjoint(self.words) and words.isdisjoint(self.not_with)

    def exported(self, text: str, base_url: str | None) -> dict[str, str | None]:
        """Return the variables for the vendor's SDKs; None for one that must not be set.

        `base_url` is as the SDK expects it (`VendorFacts.sdk_base_url`).
        """
        forms = self.exports or (re.compile(rf"(?P<{self.words[0]}_API_KEY>.+)"),)
        address = self.endpoint or self.base_url or f"{self.words[0]}_BASE_URL"
        found = next((match for form in forms if (match := form.fullmatch(text))), None)
        cleared = (*(f"{word}_API_BASE" for word in self.words), *self.cleared)
        return {**dict.fromkeys(cleared), **(found.groupdict() if found else {}), address: base_url}


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFacts:
    """The facts about a vendor that server and clients share.

    Args:
        name: as in the API's `vendor` field; the name of its module.
        title: its name for people.
        hosts: the vendor's own hosts, to which a base_url may point; a `*` matches exactly one label
            (`*.openai.azure.com`) or a part of one (`bedrock.us-*.amazonaws.com`).
        base_url_required: whether the vendor has no host for all customers.
        key_format: the format that people should enter, if it is not simply the key as the vendor shows it.
        prefixes: the prefixes of its keys that a hint shows, longer ones first.
        hint_forms: forms of credentials whose hint consists of the groups, joined by `…`.
        forms: the forms of the credentials that the vendor is known to issue, each for the whole text. Other forms are
            not refused, because vendors add forms without notice.
        own_forms: forms that no one else issues: a credential with such a form is certainly the vendor's.
        shared_forms: those of `own_forms` that keys for the vendor's other services also have.
        useless: forms of the vendor's keys and ids that cannot call models, each with its name and advice.
        variables: environment variables that contain its keys.
        base_paths: the paths in which a base_url may end; the vendor's own SDK expects the first.
        openai_path: the path of its interface for OpenAI's SDK; None if it has none.
        key_header: the header of its key, `authorization` for a bearer token; None if requests are signed.
        runtime_host: what its own hosts begin with, and what those that generate begin with, if they are others.
        litellm_name: LiteLLM's name of the vendor, if it is not ours.
    """

    name: str
    title: str
    hosts: tuple[str, ...]
    base_url_required: bool = False
    key_format: str | None = None
    prefixes: tuple[str, ...] = ()
    hint_forms: tuple[re.Pattern[str], ...] = ()
    forms: tuple[re.Pattern[str], ...] = ()
    own_forms: tuple[re.Pattern[str], ...] = ()
    shared_forms: tuple[re.Pattern[str], ...] = ()
    useless: tuple[tuple[re.Pattern[str], str], ...] = ()
    variables: Variables = field(default_factory=Variables)
    base_paths: tuple[str, ...] = ("",)
    openai_path: str | None = None
    key_header: str | None = "authorization"
    runtime_host: tuple[str, str] | None = None
    litellm_name: str | None = None

    def owns(self, base_url: str | None) -> bool:
        """Return whether `base_url` is one of the vendor's own hosts; None means the vendor's own."""
        return base_url is None or host_matches(host_of(base_url), self.hosts)

    def sdk_base_url(self, base_url: str | None) -> str | None:
        """Return `base_url` as the vendor's own SDK expects it; None for its default."""
        if base_url is None:
            return None
        if self.runtime_host is not None and self.owns(base_url):
            for end in (".", "-fips."):
                own, runtime = (f"https://{each.removesuffix('.')}{end}" for each in self.runtime_host)
                if base_url.startswith((own, runtime)):
                    return base_url.replace(own, runtime, 1)
            return None
        return self._root(base_url) + self.base_paths[0]

    def exported(self, text: str, base_url: str | None) -> dict[str, str | None]:
        """Return the variables with which SDKs send the credential `text` to `base_url`; None for one to unset.

        The addresses of a vendor with hosts for each region are always among them: AWS's SDKs take an address that they
        lack from variables and files for all of AWS's services.
        """
        found = self.variables.exported(text, self.sdk_base_url(base_url))
        control, runtime = self.variables.control_url, self.variables.base_url
        if self.runtime_host is None or control is None or runtime is None:
            return found
        if base_url is not None and not self.owns(base_url):
            return found | {control: base_url}
        labels = (found.get("AWS_REGION"), *(host_of(base_url).split(".") if base_url else ()))
        region = next((label for label in labels if label and _REGION.fullmatch(label)), None)
        if region is None:
            return found
        own = self.regional_base_url(region, control=True)
        return found | {control: own, runtime: found[runtime] or self.regional_base_url(region)}

    def regional_base_url(self, region: str, *, control: bool = False) -> str | None:
        """Return the address in `region` at which the vendor generates, or lists its models if `control`.

        None if it has no such host.
        """
        begin = self.runtime_host[0 if control else 1] if self.runtime_host else ""
        patterns = [pattern for pattern in self.hosts if begin and pattern.startswith(begin)]
        found = [
            (len(prefix), f"{begin}{region}{suffix}")
            for pattern in patterns
            for prefix, _, suffix in [pattern.partition("*")]
            if host_matches(f"{begin}{region}{suffix}", (pattern,))
        ]
        # The longest prefix is that of the region's partition; a partition's first host has its usual suffix.
        return f"https://{max(found, key=lambda each: each[0])[1]}" if found else None

    def openai_base_url(self, base_url: str | None) -> str:
        """Return `base_url` as OpenAI's SDK expects it. Raises ValueError if the vendor lacks OpenAI's interface."""
        if self.openai_path is None:
            raise ValueError(f"{self.name} has no interface for OpenAI's SDK")
        return (f"https://{self.hosts[0]}" if base_url is None else self._root(base_url)) + self.openai_path

    def _root(self, base_url: str) -> str:
        url = base_url.rstrip("/")
        longest_first = sorted((path for path in self.base_paths if path), key=len, reverse=True)
        return url.removesuffix(next((path for path in longest_first if url.endswith(path)), ""))

    def issues(self, text: str) -> bool:
        """Return whether `text` has the form of a credential that the vendor is known to issue."""
        return matches_any(text, self.forms)

    def is_unmistakable(self, text: str) -> bool:
        """Return whether `text` can only be a credential of this vendor, for its models."""
        return matches_any(text, self.own_forms) and not matches_any(text, self.shared_forms)

    def why_useless(self, text: str) -> str | None:
        """Return what `text` is, and what to send instead, if it is a key or id that cannot call models."""
        return next((sentence for form, sentence in self.useless if form.fullmatch(text)), None)

    def hint(self, text: str) -> str:
        """Return the part of the credential `text` that may be shown."""
        found = next((found for form in self.hint_forms if (found := form.fullmatch(text))), None)
        return make_hint(text, self.prefixes) if found is None else "…".join(found.groups())


def matches_any(text: str, forms: tuple[re.Pattern[str], ...]) -> bool:
    """Return whether the whole of `text` matches one of `forms`."""
    return any(form.fullmatch(text) for form in forms)
