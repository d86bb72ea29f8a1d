import { formatBytes, formatDuration } from "../client/progress/format-amounts.ts";
import type { PathOutcome, PushReport } from "../client/push/push-report.ts";
import { formatStorePathBaseName } from "../nix/store-path.ts";
import type { Hits, Tally } from "./new-paths.ts";

export interface JobSummary {
  readonly url: string;
  /** The report, or the reason why nothing was pushed. */
  readonly push: PushReport | { readonly reason: string };
  /** Undefined if the new paths could not be listed. */
  readonly hits: Hits | undefined;
}

// GitHub allows 1 MiB for a summary, and a list of a thousand lines is of no use.
const MAX_LISTED = 100;

/** Returns the summary of a job as Markdown, for the page of the run. */
export function formatJobSummary({ url, push, hits }: JobSummary): string {
  const rows = [...pushRows(push), ...(hits === undefined ? [] : hitRows(hits))];
  const lines = [
    `### Nix cache ${new URL(url).host}`,
    "",
    "| | |",
    "| --- | --- |",
    ...rows.map(([name, value]) => `| ${name} | ${escapeCell(value)} |`),
    "",
    ...("reason" in push ? [] : listPaths(push.outcomes)),
  ];
  return lines.join("\n");
}

type Row = readonly [name: string, value: string];

function pushRows(push: JobSummary["push"]): readonly Row[] {
  if ("reason" in push) return [["Pushed", `nothing: ${push.reason}`]];
  const { outcomes, seconds, stopped } = push;
  const pushed = outcomes.filter((outcome) => outcome.kind === "pushed");
  const sentBytes = pushed.reduce((total, outcome) => total + outcome.sentBytes, 0);
  const skipped = outcomes.filter((outcome) => outcome.kind === "skipped");
  const failed = outcomes.filter(({ kind }) => kind === "failed").length;
  const untried = outcomes.filter(({ kind }) => kind === "untried").length;
  const sizes = `${formatBytes(sentBytes)} sent in ${formatDuration(seconds)}`;
  return [
    ["Pushed", `${countPaths(pushed.length)}, ${sizes}`],
    ...(skipped.length === 0 ? [] : [["Skipped", countReasons(skipped)] as const]),
    ...(failed === 0 ? [] : [["Failed", countPaths(failed)] as const]),
    ...(untried === 0 ? [] : [["Not tried", countPaths(untried)] as const]),
    ...(stopped === undefined ? [] : [["Stopped", stopped] as const]),
  ];
}

function hitRows({ fromCache, fromElsewhere, made }: Hits): readonly Row[] {
  return [
    ["Pulled from this cache", formatTally(fromCache)],
    ["Pulled from other caches", formatTally(fromElsewhere)],
    ["Built or added here", formatTally(made)],
  ];
}

function countReasons(skipped: readonly { readonly reason: string }[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => `${count} ${reason}`).join(", ");
}

function listPaths(outcomes: readonly PathOutcome[]): readonly string[] {
  const failed = outcomes.flatMap((outcome) =>
    outcome.kind === "failed" ? [`${nameOf(outcome)}: ${outcome.message}`] : [],
  );
  const pushed = outcomes.flatMap((outcome) =>
    outcome.kind === "pushed" ? [`${nameOf(outcome)} (${formatBytes(outcome.fileSize)})`] : [],
  );
  return [...formatList("Failed paths", failed), ...formatList("Pushed paths", pushed)];
}

function formatList(title: string, items: readonly string[]): readonly string[] {
  if (items.length === 0) return [];
  const more = items.length - MAX_LISTED;
  return [
    `<details><summary>${title}</summary>`,
    "",
    ...items.slice(0, MAX_LISTED).map((item) => `- ${escapeHtml(item)}`),
    ...(more > 0 ? [`- … and ${more} more`] : []),
    "",
    "</details>",
    "",
  ];
}

function nameOf({ path }: PathOutcome): string {
  return formatStorePathBaseName(path);
}

function formatTally({ paths, narBytes }: Tally): string {
  return paths === 0 ? "nothing" : `${countPaths(paths)}, ${formatBytes(narBytes)} unpacked`;
}

function countPaths(count: number): string {
  return count === 1 ? "1 path" : `${count} paths`;
}

function escapeCell(text: string): string {
  return escapeHtml(text).replaceAll("|", "\\|");
}

/** Escapes HTML: a message from a server must not become a part of the page. */
function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll("\n", " ");
}
