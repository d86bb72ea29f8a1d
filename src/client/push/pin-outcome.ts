import type { PinKeep } from "../../api/pins.ts";

/** The pin of the path that was pushed, or why there is none. */
export type PinOutcome =
  | {
      readonly name: string;
      readonly keep: PinKeep;
      /** The number of paths that the pin keeps now. */
      readonly kept: number;
      /** The number of older revisions that it no longer keeps. */
      readonly dropped: number;
    }
  | { readonly name: string; readonly message: string };

/** Returns one line for people. */
export function formatPinned(pin: PinOutcome): string {
  if ("message" in pin) return `not pinned as ${pin.name}: ${pin.message}`;
  const { name, keep, kept, dropped } = pin;
  const facts = [
    `keeps ${formatKeep(keep)}`,
    `${kept} ${kept === 1 ? "path" : "paths"} now`,
    ...(dropped === 0 ? [] : [`${dropped} older dropped`]),
  ];
  return `pinned as ${name} (${facts.join(", ")})`;
}

/** Describes which revisions a pin keeps. */
export function formatKeep(keep: PinKeep): string {
  if (keep === "forever") return "all revisions";
  if ("days" in keep) {
    return keep.days === 1 ? "the revisions of a day" : `the revisions of ${keep.days} days`;
  }
  return keep.revisions === 1 ? "the last revision" : `the last ${keep.revisions} revisions`;
}
