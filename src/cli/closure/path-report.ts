import type { KnownPath } from "../../api/catalog-answers.ts";
import { formatBytes } from "../../client/progress/format-amounts.ts";
import { formatHash, type Hash } from "../../nix/hash.ts";
import { formatStorePath } from "../../nix/store-path.ts";
import { isSound, type PathInspection } from "./inspect-path.ts";

const LABEL_WIDTH = 12;

/** Returns all facts about one path, for people. */
export function formatInspection(inspection: PathInspection, storeDir: string): string {
  const { narinfo, signatures, nar, isAddressTrue, problem } = inspection;
  const references = narinfo.references.map((path) => formatStorePath(path, storeDir));
  const lines = [
    formatStorePath(narinfo.storePath, storeDir),
    ...field("NAR", [`${narinfo.url} (${narinfo.compression}): ${describeNar(inspection)}`]),
    ...field("file", [`${describeSize(narinfo.fileSize)}, ${describeHash(narinfo.fileHash)}`]),
    ...field("unpacked", [`${describeSize(narinfo.narSize)}, ${describeHash(narinfo.narHash)}`]),
    ...field("deriver", [narinfo.deriver ?? "unknown"]),
    ...field("content", [
      narinfo.contentAddress === undefined
        ? "no content address"
        : `${narinfo.contentAddress}: ${isAddressTrue === true ? "matches this path" : "does NOT match this path"}`,
    ]),
    ...field(
      "signatures",
      signatures.length === 0
        ? ["none"]
        : signatures.map(({ keyName, verdict }) => `${keyName}: ${SIGNATURES[verdict]}`),
    ),
    ...field("usable", [problem === undefined ? "yes" : `NO: ${problem}`]),
    ...field("references", references.length === 0 ? ["none"] : references),
  ];
  if (nar.verdict === "MISSING") lines.push(MISSING_NAR);
  return `${lines.join("\n")}\n`;
}

const MISSING_NAR =
  "The cache has the narinfo but not the NAR. nargate push --repair sends the NAR again.";

const SIGNATURES = {
  good: "good, made by a key that this cache publishes",
  FALSE: "FALSE: the key of this name that this cache publishes did not make it",
  "unknown key": "not checked, because this cache does not publish this key",
  malformed: "MALFORMED: newer versions of Nix refuse the whole path",
};

/** Returns the same facts as JSON, with those of the catalog if there are any. */
export function formatInspectionJson(
  inspection: PathInspection,
  storeDir: string,
  known: KnownPath | undefined,
): string {
  const { narinfo, signatures, nar, isAddressTrue } = inspection;
  const value = {
    path: formatStorePath(narinfo.storePath, storeDir),
    status: isSound(inspection) ? "sound" : "unsound",
    url: narinfo.url,
    compression: narinfo.compression,
    fileSize: narinfo.fileSize ?? null,
    fileHash: narinfo.fileHash === undefined ? null : formatHash(narinfo.fileHash, "nix32"),
    narSize: narinfo.narSize,
    narHash: formatHash(narinfo.narHash, "nix32"),
    nar: { verdict: nar.verdict, size: nar.sizeBytes ?? null },
    deriver: narinfo.deriver ?? null,
    contentAddress: narinfo.contentAddress ?? null,
    contentAddressGivesPath: isAddressTrue ?? null,
    usable: inspection.isUsable,
    signatures,
    references: narinfo.references.map((path) => formatStorePath(path, storeDir)),
    ...(known === undefined ? {} : { catalog: catalogFacts(known) }),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The facts that the narinfo does not have. */
function catalogFacts({ push, pushedAt, usedAt, buildSeconds, referrers, ...rest }: KnownPath) {
  const { complete, listedFrom } = rest;
  return { complete, listedFrom, push, pushedAt, usedAt, buildSeconds, referrers };
}

function field(label: string, values: readonly string[]): readonly string[] {
  return values.map(
    (value, index) => `  ${(index === 0 ? label : "").padEnd(LABEL_WIDTH)}${value}`,
  );
}

function describeNar({ nar }: PathInspection): string {
  switch (nar.verdict) {
    case "there":
      return "in the bucket";
    case "MISSING":
      return "MISSING";
    case "WRONG SIZE":
      return `WRONG SIZE: the bucket has ${nar.sizeBytes} bytes`;
    case "elsewhere":
      return "on another server, not checked";
    case "unknown":
      return "unknown, because the cache gave no clear answer";
  }
}

function describeSize(bytes: number | undefined): string {
  if (bytes === undefined) return "size unknown";
  return bytes < 1024 ? `${bytes} bytes` : `${formatBytes(bytes)} (${bytes} bytes)`;
}

function describeHash(hash: Hash | undefined): string {
  return hash === undefined ? "hash unknown" : formatHash(hash, "nix32");
}
