import { median, medianRatio } from "../measure/median.ts";
import { judge, TARGETS, type TargetName, type Verdict } from "./targets.ts";

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
  /** One for each of the figure's own, or a single one; none where it could not be measured. */
  readonly values: readonly number[];
}

export interface FigureInput {
  readonly name: string;
  readonly unit: Unit;
  /** One a repetition. */
  readonly values: readonly number[];
  readonly comparison: Comparison;
  readonly target?: TargetName;
}

/** One line of the report. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
  readonly repetitions: readonly number[];
  readonly comparedWith: string;
  readonly comparedValue: number | undefined;
  readonly comparedRepetitions: readonly number[];
  /** Of the value to the compared one; `undefined` where there is none, or it is 0. */
  readonly ratio: number | undefined;
  readonly target: TargetName | undefined;
  readonly verdict: Verdict | undefined;
}

export function createFigure(input: FigureInput): Figure {
  const { name, unit, values, comparison, target } = input;
  const value = median(values);
  const comparedValue = comparison.values.length === 0 ? undefined : median(comparison.values);
  const ratio = ratioOf(values, comparison.values);
  return {
    name,
    unit,
    value,
    repetitions: values,
    comparedWith: comparison.name,
    comparedValue,
    comparedRepetitions: comparison.values,
    ratio,
    target,
    verdict:
      target === undefined
        ? undefined
        : judge(TARGETS[target], TARGETS[target].of === "value" ? value : (ratio ?? Number.NaN)),
  };
}

function ratioOf(values: readonly number[], others: readonly number[]): number | undefined {
  if (others.every((other) => other === 0)) return undefined;
  return others.length === values.length
    ? medianRatio(values, others)
    : median(values) / median(others);
}
