import { formatBytes } from "../../client/progress/format-amounts.ts";
import type { NarState } from "../../client/gateway/look-at-nar.ts";
import { type CacheKeys, whyUnusable } from "../../client/gateway/usable.ts";
import { parseSignature } from "../../nix/signature.ts";
import type { ClosureEntry } from "./walk-closure.ts";

/** Returns the report for people: a line for each path, the totals, and the missing paths. */
export function formatClosure(
  entries: readonly ClosureEntry[],
  isWhole: boolean,
  cache: CacheKeys,
): string {
  const width = Math.max(...entries.map(({ text }) => text.length));
  const lines = entries.map(({ text, narinfo, nar, status, isUsable }) => {
    if (narinfo === undefined) {
      return `${text.padEnd(width)}  ${status === "missing" ? "missing" : UNREADABLE}`;
    }
    const fileSize =
      narinfo.fileSize === undefined ? "size unknown" : formatBytes(narinfo.fileSize);
    return [
      text.padEnd(width),
      formatBytes(narinfo.narSize).padStart(10),
      `${fileSize.padStart(12)} ${narinfo.compression}`,
      keyNames(narinfo.signatures).join(" ") || "unsigned",
      ...(isUsable === false ? ["UNUSABLE"] : []),
      ...(nar === undefined || nar.verdict === "there" ? [] : [NAR_STATES[nar.verdict]]),
    ].join("  ");
  });
  if (entries.length > 1 || isWhole) lines.push("", formatTotals(entries));
  const missing = entries.filter(({ status }) => status === "missing");
  for (const { text, neededBy } of missing) {
    if (neededBy.length === 0) continue;
    const [first, ...others] = neededBy;
    lines.push(
      `missing: ${text}, needed by ${first}${others.length === 0 ? "" : ` and ${others.length} more`}`,
    );
  }
  const unusable = entries.filter(({ isUsable }) => isUsable === false).length;
  if (unusable > 0) lines.push(`unusable: ${unusable}, because of this: ${whyUnusable(cache)}`);
  return `${lines.join("\n")}\n`;
}

const UNREADABLE = "there, in a compression that only Nix reads";

const NAR_STATES = {
  MISSING: "its NAR is MISSING",
  "WRONG SIZE": "its NAR has the WRONG SIZE",
  elsewhere: "its NAR is on another server",
  unknown: "its NAR is not known: the cache gave no clear answer",
} as const satisfies Partial<Record<NarState["verdict"], string>>;

/** Returns the report as JSON. */
export function formatClosureJson(url: string, entries: readonly ClosureEntry[]): string {
  const paths = entries.map(({ text, narinfo, nar, status, isUsable, neededBy }) =>
    narinfo === undefined
      ? { path: text, status, neededBy }
      : {
          path: text,
          status: "present",
          narSize: narinfo.narSize,
          fileSize: narinfo.fileSize ?? null,
          compression: narinfo.compression,
          url: narinfo.url,
          signedBy: keyNames(narinfo.signatures),
          usable: isUsable === true,
          ...(nar === undefined
            ? {}
            : { nar: { verdict: nar.verdict, size: nar.sizeBytes ?? null } }),
        },
  );
  return `${JSON.stringify({ url, paths, totals: sumUp(entries) }, null, 2)}\n`;
}

function formatTotals(entries: readonly ClosureEntry[]): string {
  const { present, missing, narBytes, fileBytes } = sumUp(entries);
  const count = `${present} ${present === 1 ? "path" : "paths"}`;
  return `${count}, ${formatBytes(narBytes)} unpacked, ${formatBytes(fileBytes)} in the cache; ${missing} missing`;
}

function sumUp(entries: readonly ClosureEntry[]) {
  const found = entries.flatMap(({ narinfo }) => (narinfo === undefined ? [] : [narinfo]));
  // Several paths may share one NAR file, which counts once.
  const files = new Map(found.map(({ url, fileSize }) => [url, fileSize ?? 0]));
  return {
    present: entries.filter(({ status }) => status !== "missing").length,
    missing: entries.filter(({ status }) => status === "missing").length,
    narBytes: found.reduce((sum, { narSize }) => sum + narSize, 0),
    fileBytes: [...files.values()].reduce((sum, size) => sum + size, 0),
  };
}

function keyNames(signatures: readonly string[]): readonly string[] {
  const names = signatures.flatMap((text) => {
    const signature = parseSignature(text);
    return signature.ok ? [signature.value.keyName] : [];
  });
  return [...new Set(names)];
}
