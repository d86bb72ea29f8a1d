import { formatBytes } from "../../client/progress/format-amounts.ts";
import { formatHash, type Hash } from "../../nix/hash.ts";
import { formatStorePath } from "../../nix/store-path.ts";
import { isSound, type PathInspection } from "./inspect-path.ts";

const LABEL_WIDTH = 12;

/** All of one path, for a person. */
export function formatInspection(inspection: PathInspection, storeDir: string): string {
  const { narinfo, signatures, nar, isAddressTrue } = inspection;
  const references = narinfo.references.map((path) => formatStorePath(path, storeDir));
  const lines = [
    formatStorePath(narinfo.storePath, storeDir),
    ...field("NAR", [`${narinfo.url} (${narinfo.compression}): ${describeNar(inspection)}`]),
    ...field("file", [`${describeSize(narinfo.fileSize)}, ${describeHash(narinfo.fileHash)}`]),
    ...field("unpacked", [`${describeSize(narinfo.narSize)}, ${describeHash(narinfo.narHash)}`]),
    ...field("deriver", [narinfo.deriver ?? "unknown"]),
    ...field("content", [
      narinfo.contentAddress === undefined
        ? "not addressed by its content"
        : `${narinfo.contentAddress}: ${isAddressTrue === true ? "gives this path" : "does NOT give this path"}`,
    ]),
    ...field(
      "signatures",
      signatures.length === 0
        ? ["none"]
        : signatures.map(({ keyName, verdict }) => `${keyName}: ${SIGNATURES[verdict]}`),
    ),
    ...field("references", references.length === 0 ? ["none"] : references),
  ];
  if (nar.verdict === "MISSING") lines.push(MISSING_NAR);
  return `${lines.join("\n")}\n`;
}

const MISSING_NAR =
  "The cache has the narinfo and not the NAR: delete the narinfo, and push the path again.";

const SIGNATURES = {
  good: "good, by a key that this cache publishes",
  FALSE: "FALSE: not by the key of this name that this cache publishes",
  "unknown key": "by a key that this cache does not publish",
  malformed: "MALFORMED: newer Nix refuses the whole path",
};

/** The same for a program. */
export function formatInspectionJson(inspection: PathInspection, storeDir: string): string {
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
    signatures,
    references: narinfo.references.map((path) => formatStorePath(path, storeDir)),
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function field(label: string, values: readonly string[]): readonly string[] {
  return values.map(
    (value, index) => `  ${(index === 0 ? label : "").padEnd(LABEL_WIDTH)}${value}`,
  );
}

function describeNar({ nar }: PathInspection): string {
  switch (nar.verdict) {
    case "there":
      return "there";
    case "MISSING":
      return "MISSING";
    case "WRONG SIZE":
      return `WRONG SIZE, ${nar.sizeBytes} bytes`;
    case "elsewhere":
      return "elsewhere, not looked at";
    case "unknown":
      return "the cache does not say whether it is there";
  }
}

function describeSize(bytes: number | undefined): string {
  if (bytes === undefined) return "size unknown";
  return bytes < 1024 ? `${bytes} bytes` : `${formatBytes(bytes)} (${bytes} bytes)`;
}

function describeHash(hash: Hash | undefined): string {
  return hash === undefined ? "hash unknown" : formatHash(hash, "nix32");
}
