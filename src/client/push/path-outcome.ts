import { formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { formatBytes, formatDuration } from "../progress/format-amounts.ts";

/** How it ended for one path. */
export type PathOutcome =
  | {
      readonly kind: "pushed";
      readonly path: StorePath;
      readonly narSize: number;
      readonly fileSize: number;
      /** Of the file, by this run: less where the bucket had parts, none where it had it all. */
      readonly sentBytes: number;
      readonly seconds: number;
    }
  | {
      readonly kind: "skipped";
      readonly path: StorePath;
      readonly reason: string;
      /** Whether somebody should look into it. */
      readonly isSuspicious: boolean;
    }
  | { readonly kind: "failed"; readonly path: StorePath; readonly message: string }
  /** The push was stopped before its turn. */
  | { readonly kind: "untried"; readonly path: StorePath };

/** One line for it. */
export function formatOutcome(outcome: PathOutcome): string {
  const name = formatStorePathBaseName(outcome.path);
  switch (outcome.kind) {
    case "pushed": {
      const sizes = `${formatBytes(outcome.narSize)}, ${formatBytes(outcome.fileSize)} packed`;
      const stored = outcome.sentBytes > 0 ? "" : ", was stored already";
      return `pushed ${name} (${sizes}${stored}, ${formatDuration(outcome.seconds)})`;
    }
    case "skipped":
      return `${outcome.isSuspicious ? "warning: " : ""}skipped ${name}: ${outcome.reason}`;
    case "failed":
      return `failed ${name}: ${outcome.message}`;
    case "untried":
      return `not tried ${name}`;
  }
}
