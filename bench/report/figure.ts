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
  | "bucket requests";

/** What a figure is held against, measured in the same run. */
export interface Comparison {
  readonly name: string;
  /** One for each of the figure's own, or others, of which the median counts. */
  readonly values: readonly number[];
}

export interface FigureInput {
  readonly name: string;
  readonly unit: Unit;
  /** One a repetition. */
  readonly values: readonly number[];
  /** None for what only its target says something about. */
  readonly comparison?: Comparison;
  readonly target?: TargetName;
}

/** The lowest and the highest ratio of what was measured side by side. */
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
  /** How many repetitions there are: of a single one nobody knows how far it is off. */
  readonly samples: number;
  readonly repetitions: readonly number[];
  readonly comparedWith: string | undefined;
  readonly comparedValue: number | undefined;
  readonly comparedRepetitions: readonly number[];
  /** Of the value to the compared one; `undefined` where there is none, or it is 0. */
  readonly ratio: number | undefined;
  /** `undefined` for fewer than two pairs. */
  readonly spread: Spread | undefined;
  readonly target: TargetName | undefined;
  readonly verdict: TargetVerdict | undefined;
}

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
 * Of what was measured side by side, pair by pair: a machine that turns slow
 * for a second slows both of a pair, and their ratio stays.
 */
function ratiosOf(values: readonly number[], others: readonly number[]): readonly number[] {
  if (others.every((other) => other === 0)) return [];
  return others.length === values.length
    ? values.map((value, index) => value / (others[index] ?? Number.NaN))
    : values.map((value) => value / median(others));
}

/** What must be exact must be so each time: a median would hide the one that was not. */
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

/** The middle of the values; between the two middle ones of an even number. Throws for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("the median of nothing");
  return (lower + upper) / 2;
}
