import { styleText } from "node:util";
import { formatBytes, formatSpeed } from "./format-amounts.ts";
import type { TransfersView, TransferView } from "./transfer-model.ts";

export interface BarStyle {
  /** The width of the terminal in characters. */
  readonly columns: number;
  readonly hasColours: boolean;
}

// More bars would scroll earlier lines out of a small window.
const MAX_BARS = 8;

/**
 * Returns a bar for the whole push and a bar for each path in progress. No line is
 * wider than the terminal.
 */
export function formatBars(view: TransfersView, style: BarStyle): readonly string[] {
  const { endedPaths, totalPaths, fraction, sentBytes, bytesPerSecond, secondsLeft } = view;
  const facts = [
    formatPercent(fraction),
    `${endedPaths}/${totalPaths} paths`,
    `${formatBytes(sentBytes)} sent`,
    ...formatSpeed(bytesPerSecond, secondsLeft),
  ];
  const shown = view.active.slice(0, MAX_BARS);
  const more = view.active.length - shown.length;
  return [
    formatLine({ name: "pushing", fraction, facts, isWhole: true }, style),
    ...shown.map((transfer) => formatTransfer(transfer, style)),
    ...(more > 0 ? [`  … and ${more} more`] : []),
  ];
}

function formatTransfer(transfer: TransferView, style: BarStyle): string {
  const { name, phase, doneBytes, totalBytes, bytesPerSecond, secondsLeft } = transfer;
  const fraction = totalBytes === 0 ? 0 : Math.min(1, doneBytes / totalBytes);
  const facts = [
    phase.padEnd("checking".length),
    formatPercent(fraction),
    `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
    ...formatSpeed(bytesPerSecond, secondsLeft),
  ];
  return formatLine({ name, fraction, facts, isWhole: false }, style);
}

interface Line {
  readonly name: string;
  readonly fraction: number;
  readonly facts: readonly string[];
  readonly isWhole: boolean;
}

const NAME_COLUMNS = 30;
const BAR_COLUMNS = 20;

function formatLine({ name, fraction, facts, isWhole }: Line, style: BarStyle): string {
  const { columns, hasColours } = style;
  const nameColumns = Math.max(8, Math.min(NAME_COLUMNS, Math.floor(columns / 3)));
  const barColumns = columns < 60 ? 0 : BAR_COLUMNS;
  const label = cutMiddle(name, nameColumns).padEnd(nameColumns);
  const full = Math.floor(fraction * barColumns);
  const bar = barColumns === 0 ? "" : `${"█".repeat(full)}${"░".repeat(barColumns - full)} `;
  // The last column stays empty, because some terminals begin a new line after a character there.
  const rest = joinFitting(facts, columns - 1 - label.length - 1 - bar.length);
  if (!hasColours) return `${label} ${bar}${rest}`.trimEnd();
  const painted = styleText(isWhole ? "green" : "cyan", bar, { validateStream: false });
  const shown = isWhole ? styleText("bold", label, { validateStream: false }) : label;
  return `${shown} ${painted}${rest}`;
}

/** Joins the facts from the first on, as many as fit into the columns. */
function joinFitting(facts: readonly string[], columns: number): string {
  let text = "";
  for (const fact of facts) {
    const longer = text === "" ? fact : `${text}  ${fact}`;
    if (longer.length > columns) break;
    text = longer;
  }
  return text;
}

function formatPercent(fraction: number): string {
  return `${String(Math.floor(fraction * 100)).padStart(3)} %`;
}

/**
 * Shortens a text in its middle, because both ends of a store path's name tell
 * more than the middle.
 */
export function cutMiddle(text: string, columns: number): string {
  if (text.length <= columns) return text;
  const head = Math.ceil((columns - 1) / 2);
  const tail = columns - 1 - head;
  return `${text.slice(0, head)}…${tail === 0 ? "" : text.slice(-tail)}`;
}
