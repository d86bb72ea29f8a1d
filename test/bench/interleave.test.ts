import { describe, expect, it } from "vitest";
import { interleave } from "../../bench/measure/interleave.ts";

describe("interleave", () => {
  it("measures all subjects in each round, every other round backwards", async () => {
    const order: string[] = [];
    const subject = (name: string) => async () => order.push(name);
    await interleave({ a: subject("a"), b: subject("b"), c: subject("c") }, 3);
    expect(order.join("")).toBe("abccbaabc");
  });

  it("gives each subject its values by round", async () => {
    let count = 0;
    const next = async () => ++count;
    expect(await interleave({ a: next, b: next }, 2)).toEqual({ a: [1, 4], b: [2, 3] });
  });

  it("gives no values for what is not there to be measured", async () => {
    const measured = await interleave({ a: async () => 1, b: undefined }, 2);
    expect(measured).toEqual({ a: [1, 1], b: [] });
  });

  it("never measures two at once", async () => {
    let underWay = 0;
    const subject = async () => {
      underWay++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      return underWay--;
    };
    const measured = await interleave({ a: subject, b: subject }, 3);
    expect([...measured.a, ...measured.b]).toEqual([1, 1, 1, 1, 1, 1]);
  });
});
