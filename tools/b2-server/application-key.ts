import { S3Error, type S3ErrorCode } from "./s3-error.ts";

/** The capabilities of a B2 application key that concern objects. */
export type Capability = "listFiles" | "readFiles" | "writeFiles" | "deleteFiles";

/** A B2 application key that may sign requests. */
export interface ApplicationKey {
  readonly keyId: string;
  readonly secret: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** If set, the key may only use object names that begin with this prefix. */
  readonly namePrefix?: string;
}

/** Throws `AccessDenied` if the key lacks the capability. */
export function requireCapability(key: ApplicationKey, capability: Capability): void {
  if (!key.capabilities.has(capability)) throw new S3Error("AccessDenied", "not entitled");
}

/**
 * Throws `AccessDenied` if `name` lies outside the key's `namePrefix`. `name` is
 * an object's name, or the prefix of a list.
 */
export function requireName(key: ApplicationKey, name: string): void {
  if (!name.startsWith(key.namePrefix ?? "")) throw new S3Error("AccessDenied", "not entitled");
}

/**
 * Returns the error for an object or version that does not exist. B2 tells only
 * keys with `listFiles` that it is missing; other keys get `AccessDenied`.
 */
export function absenceError(
  key: ApplicationKey,
  code: S3ErrorCode,
  headers: Readonly<Record<string, string>> = {},
): S3Error {
  if (!key.capabilities.has("listFiles")) return new S3Error("AccessDenied", "not entitled");
  return new S3Error(code, undefined, headers);
}
