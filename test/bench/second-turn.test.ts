import { describe, expect, it } from "vitest";
import { withSecondTurn } from "../../bench/measure/second-turn.ts";
import { createFigure } from "../../bench/report/figure.ts";

/** A scenario with these turns, judged by a limit of 5 ms. */
async function judge(...turns: readonly (readonly number[])[]) {
  let count = 0;
  const [figure] = await withSecondTurn(
    async () => ({ gateway: turns[count++] ?? [] }),
    ({ gateway }) => [createFigure({ name: "", unit: "ms", values: gateway, target: "missWait" })],
  );
  return { count, repetitions: figure?.repetitions, verdict: figure?.verdict };
}

describe("withSecondTurn", () => {
  it("measures once what meets its target", async () => {
    expect(await judge([1, 2])).toEqual({ count: 1, repetitions: [1, 2], verdict: "pass" });
  });

  it("judges both turns together if the first turn misses", async () => {
    const judged = await judge([6, 9, 1], [1, 2]);
    expect(judged).toEqual({ count: 2, repetitions: [6, 9, 1, 1, 2], verdict: "pass" });
  });

  it("does not let a good second turn hide a bad first one", async () => {
    expect(await judge([9, 9, 9], [1, 1])).toMatchObject({ count: 2, verdict: "fail" });
  });
});
