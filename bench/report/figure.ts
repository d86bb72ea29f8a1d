import { judge, type Target, TARGETS, type TargetName, type TargetVerdict } from "./targets.ts";

export type Unit =
  | "requests/s"
  | "µs/request"
  | "MB/s"
  | "ms/MB"
  | "MB"
  | "KB"
  | "ms"
  | "s"
  | "bucket requests"
  | "rows";

/** The values that a figure is compared with, measured in the same run. */
export interface Comparison {
  readonly name: string;
  /**
   * Either one value for each value of the figure, to compare pair by pair; or another
   * number of values, of which the median is compared.
   */
  readonly values: readonly number[];
}

export interface FigureInput {
  readonly name: string;
  readonly unit: Unit;
  /** The measured values, one for each repetition. */
  readonly values: readonly number[];
  /** Not set if the figure is only judged by its target. */
  readonly comparison?: Comparison;
  readonly target?: TargetName;
}

/** The lowest and the highest ratio of the pairs. */
export interface Spread {
  readonly lowest: number;
  readonly highest: number;
  readonly pairs: number;
}

/** One line of the report. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  /** The median of the repetitions. */
  readonly value: number;
  /** The number of repetitions. A single repetition gives no idea of the error. */
  readonly samples: number;
  readonly repetitions: readonly number[];
  readonly comparedWith: string | undefined;
  readonly comparedValue: number | undefined;
  readonly comparedRepetitions: readonly number[];
  /** The ratio of the value to the compared value. `undefined` without a comparison, or if it is 0. */
  readonly ratio: number | undefined;
  /** The spread of the ratios. `undefined` for fewer than two pairs. */
  readonly spread: Spread | undefined;
  readonly target: TargetName | undefined;
  readonly verdict: TargetVerdict | undefined;
}

/** Creates a figure: its medians, ratios and verdict. */
export function createFigure(input: FigureInput): Figure {
  const { name, unit, values, comparison, target } = input;
  const others = comparison?.values ?? [];
  const ratios = ratiosOf(values, others);
  const isPaired = ratios.length > 1 && others.length === values.length;
  return {
    name,
    unit,
    value: median(values),
    samples: values.length,
    repetitions: values,
    comparedWith: comparison?.name,
    comparedValue: others.length === 0 ? undefined : median(others),
    comparedRepetitions: others,
    ratio: ratios.length === 0 ? undefined : median(ratios),
    spread: isPaired
      ? { lowest: Math.min(...ratios), highest: Math.max(...ratios), pairs: ratios.length }
      : undefined,
    target,
    verdict: target === undefined ? undefined : judgeAll(TARGETS[target], values, ratios),
  };
}

/**
 * Returns the ratios of the values to the compared values, pair by pair if their
 * numbers are equal. If the machine is slow for a second, both values of a pair are
 * slow, and their ratio stays the same.
 */
function ratiosOf(values: readonly number[], others: readonly number[]): readonly number[] {
  if (others.every((other) => other === 0)) return [];
  return others.length === values.length
    ? values.map((value, index) => value / (others[index] ?? Number.NaN))
    : values.map((value) => value / median(others));
}

/**
 * Judges all repetitions against a target. A value that must be exact must be exact in
 * every repetition, because a median would hide a single wrong one. All other targets
 * apply to the median.
 */
function judgeAll(
  target: Target,
  values: readonly number[],
  ratios: readonly number[],
): TargetVerdict {
  const measured = target.of === "value" ? values : ratios;
  if (measured.length === 0) return "fail";
  if (target.must !== "be") return judge(target, median(measured));
  return measured.every((one) => judge(target, one) === "pass") ? "pass" : "fail";
}

/**
 * Returns the median. For an even number of values, it is the mean of the two middle
 * ones. Throws if there are no values.
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined)
    throw new RangeError("there are no values to take the median of");
  return (lower + upper) / 2;
}
