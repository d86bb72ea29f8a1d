import { describe, expect, it } from "vitest";
import { createProgressLines } from "../../../../src/worker/routes/nargate/progress-lines.ts";

const checking = (bytes: number) => ({ status: "checking", bytes });

describe("createProgressLines", () => {
  it("tells a new status at once, the latest count now and then, and the end", async () => {
    const lines = createProgressLines(50);
    const text = new Response(lines.body).text();
    for (let bytes = 0; bytes < 1000; bytes++) lines.report(checking(bytes));
    await scheduler.wait(180);
    lines.report({ status: "copying" });
    await lines.end({ status: "stored" });
    const said = (await text).split("\n");
    expect(said[0]).toBe('{"status":"checking","bytes":0}');
    expect(said.slice(-3)).toEqual(['{"status":"copying"}', '{"status":"stored"}', ""]);
    const beats = said.slice(1, -3);
    expect(beats.length).toBeGreaterThanOrEqual(2);
    expect(new Set(beats)).toEqual(new Set(['{"status":"checking","bytes":999}']));
  });

  it("goes on saying the same while nothing changes", async () => {
    const lines = createProgressLines(20);
    const text = new Response(lines.body).text();
    lines.report({ status: "copying" });
    await scheduler.wait(150);
    await lines.end({ status: "stored" });
    expect((await text).split("copying").length).toBeGreaterThan(3);
  });

  it("does not pile up lines that nobody reads", async () => {
    const lines = createProgressLines(5);
    lines.report(checking(1));
    await scheduler.wait(200);
    const ended = lines.end({ status: "stored" });
    const said = (await new Response(lines.body).text()).trimEnd().split("\n");
    await ended;
    expect(said.length).toBeLessThanOrEqual(3);
    expect(said.at(-1)).toBe('{"status":"stored"}');
  });

  it("ends without a fault where whoever listened has gone", async () => {
    const lines = createProgressLines(5);
    lines.report(checking(1));
    await lines.body.cancel();
    await scheduler.wait(30);
    lines.report({ status: "copying" });
    await expect(lines.end({ status: "stored" })).resolves.toBeUndefined();
  });
});
