import type { CatalogStats } from "../../api/catalog-answers.ts";
import { toOneLine } from "../../client/plain-text.ts";
import { formatBytes } from "../../client/progress/format-amounts.ts";
import { formatTime } from "./known-path-report.ts";
import { formatCount } from "./path-lines.ts";

/** Returns the numbers of a cache for people. */
export function formatStats(url: string, stats: CatalogStats): string {
  const lines: readonly (readonly [string, string])[] = [
    ["paths", `${formatCount(stats.paths)}, ${formatBytes(stats.narSize)} unpacked`],
    ["stored", describeStored(stats)],
    ["pushes", describePushes(stats)],
    ["catalog", describeCatalog(stats)],
    ...(stats.unreadable === 0
      ? []
      : [["unreadable", `${stats.unreadable} narinfos: see nargate audit-bucket`] as const]),
    ...(stats.failure === null ? [] : [["trouble", describeFailure(stats.failure)] as const]),
  ];
  return [url, ...lines.map(([label, says]) => `  ${label.padEnd(12)}${toOneLine(says)}`), ""].join(
    "\n",
  );
}

function describeStored({ storedNars, storedBytes, looseNars, looseBytes }: CatalogStats): string {
  if (storedNars === null || storedBytes === null) return "not known yet";
  const loose =
    looseNars === 0 ? "" : `; ${looseNars} (${formatBytes(looseBytes)}) that no path names`;
  return `${storedNars} NARs, ${formatBytes(storedBytes)}${loose}`;
}

function describePushes({ pushes, lastPush }: CatalogStats): string {
  if (lastPush === null) return "none since the catalog began";
  return `${pushes} since the catalog began, the last ${formatTime(lastPush.at)} by ${lastPush.by}`;
}

function describeCatalog({ complete, listedFrom, listing, databaseBytes }: CatalogStats): string {
  const size = formatBytes(databaseBytes);
  if (!complete) return `being filled, about ${Math.floor((listing ?? 0) * 100)} %; ${size}`;
  const listed = listedFrom === null ? "" : `knows the bucket as of ${formatTime(listedFrom)}; `;
  return `${listed}${size}`;
}

function describeFailure(code: string): string {
  return code === "catalog-over-limit"
    ? "the free plan's rows of this day are used up; it goes on at 00:00 UTC"
    : `the gateway cannot list the bucket (${code}); it tries again by itself`;
}
