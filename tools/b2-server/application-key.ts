import { S3Error, type S3ErrorCode } from "./s3-error.ts";

/** B2's capabilities, as far as they bear on objects. */
export type Capability = "listFiles" | "readFiles" | "writeFiles" | "deleteFiles";

/** An application key. */
export interface ApplicationKey {
  readonly keyId: string;
  readonly secret: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** Confines the key to names that begin so. */
  readonly namePrefix?: string;
}

export function requireCapability(key: ApplicationKey, capability: Capability): void {
  if (!key.capabilities.has(capability)) throw new S3Error("AccessDenied", "not entitled");
}

/** Checks an object's name, or the prefix of a list. */
export function requireName(key: ApplicationKey, name: string): void {
  if (!name.startsWith(key.namePrefix ?? "")) throw new S3Error("AccessDenied", "not entitled");
}

/** Absence, told only to who may list: to others B2 says "denied". */
export function absenceError(
  key: ApplicationKey,
  code: S3ErrorCode,
  headers: Readonly<Record<string, string>> = {},
): S3Error {
  if (!key.capabilities.has("listFiles")) return new S3Error("AccessDenied", "not entitled");
  return new S3Error(code, undefined, headers);
}
