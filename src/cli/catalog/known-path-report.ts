import type { KnownPath } from "../../api/catalog-answers.ts";
import { toOneLine } from "../../client/plain-text.ts";
import { formatDuration } from "../../client/progress/format-amounts.ts";
import { formatBaseName } from "./path-lines.ts";

const LABEL_WIDTH = 12;
const SHOWN_REFERRERS = 10;

/** Returns what the catalog knows of a path beyond its narinfo, for people: a line for each fact. */
export function formatKnownPath({
  push,
  pushedAt,
  usedAt,
  buildSeconds,
  referrers,
}: KnownPath): string {
  return [
    ...field("pushed", [describePush(push, pushedAt), ...describeClaims(push)]),
    ...field("used", [
      usedAt === null ? "not known" : `about ${formatTime(usedAt)}, when the bucket was last asked`,
    ]),
    ...(buildSeconds === null ? [] : field("built in", [formatDuration(buildSeconds)])),
    ...field("needed by", describeReferrers(referrers)),
  ].join("");
}

function describePush(push: KnownPath["push"], pushedAt: string | null): string {
  if (push !== null) return `${formatTime(push.at)} by ${push.by}`;
  return pushedAt === null
    ? "not known"
    : `${formatTime(pushedAt)}, past this gateway or before it kept a catalog`;
}

function describeClaims(push: KnownPath["push"]): readonly string[] {
  return Object.entries(push?.claims ?? {}).map(([name, value]) => `${name} ${value}`);
}

function describeReferrers({ count, more, first }: KnownPath["referrers"]): readonly string[] {
  if (count === 0) return ["no other path"];
  const shown = first.slice(0, SHOWN_REFERRERS).map(({ hash, name }) => formatBaseName(hash, name));
  const rest = count - shown.length;
  const others = more ? `and more than ${rest} others` : `and ${rest} more`;
  return rest > 0 || more ? [...shown, others] : shown;
}

/** Returns a time of the gateway as `2026-11-02 10:11 UTC`. */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 16).replace("T", " ")} UTC`;
}

function field(label: string, values: readonly string[]): readonly string[] {
  return values.map(
    (value, index) => `  ${(index === 0 ? label : "").padEnd(LABEL_WIDTH)}${toOneLine(value)}\n`,
  );
}
