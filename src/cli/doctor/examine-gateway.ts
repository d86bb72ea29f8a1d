import { VERSION } from "../../api/endpoints.ts";
import type { GatewayFacts } from "../../api/answers.ts";
import type { Finding } from "../../checks/finding.ts";

/** Checks that the operator publishes the keys that sign the paths. */
export function judgePublishedKeys({ publicKeys }: GatewayFacts): Finding {
  const check = "public key";
  if (publicKeys.length > 0) {
    const names = publicKeys.map((key) => key.slice(0, key.indexOf(":")));
    return { check, verdict: "ok", says: `the cache publishes these keys: ${names.join(", ")}` };
  }
  return {
    check,
    verdict: "warn",
    says: "the cache publishes no key",
    remedy:
      "Set PUBLIC_KEYS or SIGNING_KEY in the gateway's settings. Nix refuses paths without a signature of a key that it trusts.",
  };
}

/** Checks that the gateway signs what is pushed. Not to sign is a choice, which everyone who pushes must know. */
export function judgeSigning({ signingKeys, proves }: GatewayFacts): Finding {
  const check = "signing";
  if (signingKeys === undefined) {
    const says = "this version of the gateway does not say whether it signs";
    return { check, verdict: "skipped", says };
  }
  const names = signingKeys.map((key) => key.slice(0, key.indexOf(":")));
  if (names.length > 0) {
    const pushes =
      proves === "contents"
        ? "every push that it can unpack (nix copy needs ?compression=zstd)"
        : "every push";
    return { check, verdict: "ok", says: `the gateway signs ${pushes} with ${names.join(", ")}` };
  }
  return {
    check,
    verdict: "warn",
    says: "the gateway does not sign: clients accept only paths that their pusher signed",
    remedy:
      "Set SIGNING_KEY, so that the gateway signs every push. Without it, push with --sign-key everywhere.",
  };
}

/** Compares the minor versions too: before 1.0 a minor version may change the API. */
export function judgeVersion({ version }: GatewayFacts): Finding {
  const check = "version";
  if (majorMinor(version) === majorMinor(VERSION)) {
    return { check, verdict: "ok", says: `Nargate ${version}` };
  }
  return {
    check,
    verdict: "warn",
    says: `the cache runs Nargate ${version.slice(0, 32)}, and this command has the version ${VERSION}`,
    remedy: "Use the same major and minor version for the gateway and this command.",
  };
}

function majorMinor(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
