import { VERSION } from "../../api/endpoints.ts";
import type { GatewayFacts } from "../../client/gateway/gateway-facts.ts";
import type { Finding } from "../../checks/finding.ts";

/** Whether the operator tells which keys sign. */
export function judgePublishedKeys({ publicKeys }: GatewayFacts): Finding {
  const check = "public key";
  if (publicKeys.length > 0) {
    const names = publicKeys.map((key) => key.slice(0, key.indexOf(":")));
    return { check, verdict: "ok", says: `published: ${names.join(", ")}` };
  }
  return {
    check,
    verdict: "warn",
    says: "none is published",
    remedy: "Set PUBLIC_KEYS or SIGNING_KEY: clients refuse what no key signed that they trust.",
  };
}

/** Before 1.0 a minor version may change the API. */
export function judgeVersion({ version }: GatewayFacts): Finding {
  const check = "version";
  if (majorMinor(version) === majorMinor(VERSION)) {
    return { check, verdict: "ok", says: `Nargate ${version}` };
  }
  return {
    check,
    verdict: "warn",
    says: `the cache runs Nargate ${version.slice(0, 32)}, this command is ${VERSION}`,
    remedy: "Use the same major and minor version of both.",
  };
}

function majorMinor(version: string): string {
  return version.split(".").slice(0, 2).join(".");
}
