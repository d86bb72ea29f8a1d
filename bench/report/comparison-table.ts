import { alignColumns } from "./align-columns.ts";
import { median } from "./figure.ts";
import { formatNumber } from "./format-number.ts";

/** One measured value: the task is the row of the table, the subject is the column. */
export interface Measurement {
  readonly task: string;
  readonly subject: string;
  readonly value: number;
}

/** A table that compares several subjects at the same tasks. */
export interface ComparisonTable {
  /** Says what the values have in common, with their unit. */
  readonly title: string;
  readonly subjects: readonly string[];
  readonly rows: readonly TableRow[];
}

interface TableRow {
  readonly task: string;
  /** The repetitions of each subject. Empty if the subject was not measured at this task. */
  readonly repetitions: readonly (readonly number[])[];
}

/** Groups measurements into a table. The rows have the order in which their tasks first appear. */
export function createTable(
  title: string,
  subjects: readonly string[],
  measurements: readonly Measurement[],
): ComparisonTable {
  const byTask = Map.groupBy(measurements, ({ task }) => task);
  const rows = [...byTask].map(([task, measured]) => ({
    task,
    repetitions: subjects.map((subject) =>
      measured.filter((one) => one.subject === subject).map(({ value }) => value),
    ),
  }));
  return { title, subjects, rows };
}

/** Formats a table: a line for its title, one for the subjects, and one for each task. */
export function formatTable({ title, subjects, rows }: ComparisonTable): string[] {
  const lines = rows.map(({ task, repetitions }) => [task, ...repetitions.map(formatCell)]);
  return [title, ...alignColumns([["", ...subjects], ...lines], (column) => column > 0), ""];
}

/** Formats the median with the lowest and the highest value, as in `5.2 (4.9–6.1)`. */
function formatCell(repetitions: readonly number[]): string {
  if (repetitions.length === 0) return "–";
  const middle = formatNumber(median(repetitions));
  if (repetitions.length === 1) return middle;
  const range = [Math.min(...repetitions), Math.max(...repetitions)].map(formatNumber);
  return `${middle} (${range.join("–")})`;
}
