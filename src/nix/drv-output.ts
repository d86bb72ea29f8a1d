import { err, ok, type Result } from "../result.ts";
import { parseStorePathName, type StorePathName } from "./store-path.ts";

declare const brand: unique symbol;

/**
 * The id of one output of a derivation: `sha256:<64 hex digits>!<output>`. The
 * hash covers everything that the derivation depends on.
 */
export type DrvOutputId = string & { readonly [brand]: "DrvOutputId" };

/**
 * Parses the id of a realisation (`DrvOutput::parse`, Nix 2.4 to 2.34). Refuses
 * other encodings of the hash, because Nix writes only lower-case hex.
 */
export function parseDrvOutputId(text: string): Result<DrvOutputId> {
  return isDrvOutputId(text) ? ok(text) : err("it is not sha256:<64 hex digits>!<output>");
}

/**
 * Parses the name of a derivation's output, such as `out`. An output name
 * becomes the end of a store path name, so it follows the same rules.
 */
export function parseOutputName(text: string): Result<StorePathName> {
  const name = parseStorePathName(text);
  return name.ok ? name : err("it is not an output name");
}

function isDrvOutputId(text: string): text is DrvOutputId {
  const match = /^sha256:[0-9a-f]{64}!(.+)$/s.exec(text);
  return match !== null && parseOutputName(match[1] ?? "").ok;
}
