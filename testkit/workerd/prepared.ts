import type { OidcEnvironment } from "../../src/worker/access/oidc/issuer-keys.ts";
import { PREFIX, startGateway, type TestGateway } from "./gateway.ts";
import { type FakeStorePath, makeStorePath } from "../store-path.ts";

export const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
export const OTHER_HASH = "zyxwvsrqpnmlkjihgfdcba9876543210";

export interface Prepared extends TestGateway {
  readonly path: FakeStorePath;
}

/** A gateway in front of a bucket that holds one store path, put there by someone else. */
export async function startFilledGateway(
  settings: Record<string, string> = {},
  sizeBytes = 1000,
  oidc?: OidcEnvironment,
): Promise<Prepared> {
  const gateway = await startGateway(settings, oidc);
  const path = await makeStorePath(HASH, { sizeBytes });
  await gateway.bucket.putObject(PREFIX + path.narPath.slice(1), path.nar, {
    "content-type": "application/x-nix-nar",
  });
  await gateway.bucket.putObject(PREFIX + path.narinfoPath.slice(1), path.narinfo, {
    "content-type": "text/x-nix-narinfo",
  });
  return { ...gateway, path };
}
