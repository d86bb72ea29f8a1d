import { err, ok, type Result } from "../../src/result.ts";

const FACTORS: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };
/** Far beyond any cache, and small enough that every product stays exact to the cent. */
const MAX_AMOUNT = 1e13;

/** Reads `2000000`, `2M`, `2_000_000`, `0.5G`. */
export function parseAmount(text: string): Result<number> {
  const match = /^(\d[\d_]*(?:\.\d+)?)([kmg]?)$/i.exec(text);
  if (match === null) return err("is no number such as 250000, 250k or 2.5M");
  const [, digits = "", suffix = ""] = match;
  const value = Number(digits.replaceAll("_", "")) * (FACTORS[suffix.toLowerCase()] ?? 1);
  return value > MAX_AMOUNT ? err("is too large") : ok(value);
}

/** Reads a share from 0 to 1. */
export function parseShare(text: string): Result<number> {
  const value = /^(?:\d+(?:\.\d+)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
  return value <= 1 ? ok(value) : err("is no share from 0 to 1, such as 0.9");
}
