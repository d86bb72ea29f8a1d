import { err, ok, type Result } from "../result.ts";
import { parseStorePathName, type StorePathName } from "./store-path.ts";

declare const brand: unique symbol;

/** `sha256:<64 hex>!<output>`: a derivation, by a hash of what it depends on, and its output. */
export type DrvOutputId = string & { readonly [brand]: "DrvOutputId" };

/**
 * Reads the id of a realisation (`DrvOutput::parse`, Nix 2.4 to 2.34), in
 * the one form that Nix writes: other encodings of the hash are refused.
 */
export function parseDrvOutputId(text: string): Result<DrvOutputId> {
  return isDrvOutputId(text) ? ok(text) : err("it is not sha256:<64 hex digits>!<output>");
}

/** Output names end store path names, so they follow the same rules. */
export function parseOutputName(text: string): Result<StorePathName> {
  const name = parseStorePathName(text);
  return name.ok ? name : err("it is not the name of an output");
}

function isDrvOutputId(text: string): text is DrvOutputId {
  const match = /^sha256:[0-9a-f]{64}!(.+)$/s.exec(text);
  return match !== null && parseOutputName(match[1] ?? "").ok;
}
