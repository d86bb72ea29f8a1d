import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { cutMiddle, formatBars } from "../../../src/client/progress/format-bars.ts";
import { formatBytes, formatDuration } from "../../../src/client/progress/format-amounts.ts";
import { createPlainProgress } from "../../../src/client/progress/progress.ts";
import { createRateWindow } from "../../../src/client/progress/rate-window.ts";
import { createTerminalProgress } from "../../../src/client/progress/terminal-progress.ts";
import { createTransferModel } from "../../../src/client/progress/transfer-model.ts";

const MB = 1024 * 1024;

/** Creates a clock and a timer that tests control. */
function createClock() {
  let time = 0;
  const tasks: (() => void)[] = [];
  return {
    now: () => new Date(time),
    milliseconds: () => time,
    every(_milliseconds: number, task: () => void) {
      tasks.push(task);
      return () => void tasks.splice(tasks.indexOf(task), 1);
    },
    /** Moves the clock, and calls the task of the timer. */
    async pass(seconds: number) {
      for (let passed = 0; passed < seconds; passed++) {
        time += 1000;
        for (const task of tasks) task();
      }
    },
    timers: () => tasks.length,
  };
}

describe("formatBytes", () => {
  it.each([
    [0, "0 B"],
    [998, "998 B"],
    [1000, "1.0 KiB"],
    [1024 * 99.94, "99.9 KiB"],
    [1024 * 99.96, "100 KiB"],
    [1610612736, "1.5 GiB"],
    [3 * 1024 ** 4, "3.0 TiB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe("formatDuration", () => {
  it.each([
    [0.04, "0.0 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.6, "1 m 00 s"],
    [185, "3 m 05 s"],
    [7800, "2 h 10 m"],
  ])("writes %d seconds as %s", (seconds, text) => {
    expect(formatDuration(seconds)).toBe(text);
  });
});

describe("createRateWindow", () => {
  it("tells the rate of the last fifteen seconds alone", () => {
    const rate = createRateWindow();
    for (let second = 0; second <= 60; second++) {
      rate.add(second * 1000, second < 30 ? second * 1000 : 30_000 + (second - 30) * 50);
    }
    expect(rate.perSecond(60_000)).toBeCloseTo(50, 5);
  });

  it("tells nothing within the first second", () => {
    const rate = createRateWindow();
    rate.add(0, 0);
    rate.add(900, 1e6);
    expect(rate.perSecond(900)).toBeUndefined();
  });

  it("falls to nothing when nothing moves", () => {
    const rate = createRateWindow();
    rate.add(0, 0);
    rate.add(1000, 1e6);
    expect(rate.perSecond(1000)).toBe(1e6);
    expect(rate.perSecond(10_000)).toBe(1e5);
    expect(rate.perSecond(40_000)).toBeLessThan(3e4);
  });
});

describe("createTransferModel", () => {
  it("counts what this run has sent, and not what the bucket had already", () => {
    const model = createTransferModel(() => 0);
    model.expect(2, 100 * MB);
    const large = model.start("large", 80 * MB);
    large.packed(80 * MB);
    large.sending(60 * MB, 40 * MB);
    large.sent(50 * MB);
    expect(model.view()).toMatchObject({ endedPaths: 0, totalPaths: 2, sentBytes: 10 * MB });
    // A part that is sent again counts from 0.
    large.sent(45 * MB);
    expect(model.view().sentBytes).toBe(5 * MB);
    large.sent(60 * MB);
    large.end();
    large.end();
    expect(model.view()).toMatchObject({ endedPaths: 1, sentBytes: 20 * MB, fraction: 0.8 });
  });

  it("goes from 0 to 1, and never back, through all phases", () => {
    const model = createTransferModel(() => 0);
    model.expect(1, 1000);
    const transfer = model.start("one", 1000);
    const fractions = [
      () => transfer.packed(0),
      () => transfer.packed(500),
      () => transfer.packed(1000),
      () => transfer.sending(300, 0),
      () => transfer.sent(150),
      () => transfer.sent(300),
      () => transfer.checking(0),
      () => transfer.checking(300),
      () => transfer.end(),
    ].map((step) => {
      step();
      return model.view().fraction;
    });
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions[0]).toBe(0);
    expect(fractions.at(-1)).toBe(1);
  });

  it("tells the time left by the way that was made", async () => {
    const clock = createClock();
    const model = createTransferModel(clock.milliseconds);
    model.expect(1, 100 * MB);
    const transfer = model.start("one", 100 * MB);
    transfer.sending(100 * MB, 0);
    model.view();
    for (let second = 1; second <= 5; second++) {
      await clock.pass(1);
      transfer.sent(second * 10 * MB);
      model.view();
    }
    const view = model.view();
    expect(view.bytesPerSecond).toBeCloseTo(10 * MB, 0);
    // 50 MB and the check remain, and each second does 8 % of the work.
    expect(view.secondsLeft).toBeCloseTo(6.25, 5);
    expect(view.active[0]).toMatchObject({ phase: "sending", secondsLeft: 5 });
  });
});

function viewOf(count: number) {
  const model = createTransferModel(() => 0);
  model.expect(count, count * 100);
  for (let index = 0; index < count; index++)
    model.start(`path-${index}-${"x".repeat(60)}`, 100).packed(50);
  return model.view();
}

describe("formatBars", () => {
  it.each([20, 40, 60, 80, 200])("keeps every line within %d columns", (columns) => {
    for (const hasColours of [true, false]) {
      const lines = formatBars(viewOf(3), { columns, hasColours });
      expect(lines).toHaveLength(4);
      for (const line of lines) {
        expect(stripVTControlCharacters(line).length).toBeLessThan(columns);
      }
    }
  });

  it("shows the first eight of many, and how many more there are", () => {
    const lines = formatBars(viewOf(30), { columns: 100, hasColours: false });
    expect(lines).toHaveLength(10);
    expect(lines.at(-1)).toBe("  … and 22 more");
  });

  it("writes no escape sequence without colours", () => {
    const text = formatBars(viewOf(3), { columns: 100, hasColours: false }).join("\n");
    expect(stripVTControlCharacters(text)).toBe(text);
  });

  it("cuts names in the middle", () => {
    expect(cutMiddle("hello-2.12.1-doc", 9)).toBe("hell…-doc");
    expect(cutMiddle("short", 9)).toBe("short");
  });
});

describe("createPlainProgress", () => {
  it("writes a line for what ends, and one every ten seconds while nothing does", async () => {
    const clock = createClock();
    let text = "";
    const stderr = { write: (line: string) => (text += line) };
    const progress = createPlainProgress({ stderr, now: clock.now }, "> ", clock.every);
    progress.expect(1, 100 * MB);
    const transfer = progress.start("large", 100 * MB);
    transfer.sending(100 * MB, 0);
    await clock.pass(9);
    expect(text).toBe("");
    transfer.sent(50 * MB);
    await clock.pass(1);
    expect(text).toMatch(/^> … 50 %, 0 of 1 paths, .*, sending large, 50\.0 MiB of 100 MiB\n$/);
    await clock.pass(10);
    expect(text.split("\n")).toHaveLength(3);
    progress.finished("pushed large");
    expect(text).toMatch(/\n> pushed large\n$/);
    await clock.pass(9);
    expect(text).toMatch(/\n> pushed large\n$/);
    progress.close();
    expect(clock.timers()).toBe(0);
  });

  it("is quiet while there is nothing in flight", async () => {
    const clock = createClock();
    let text = "";
    const stderr = { write: (line: string) => (text += line) };
    const progress = createPlainProgress({ stderr, now: clock.now }, "", clock.every);
    progress.expect(1, 1);
    await clock.pass(60);
    expect(text).toBe("");
  });
});

function createTerminal(env: Record<string, string>) {
  const clock = createClock();
  const written: string[] = [];
  const stderr = {
    write: (text: string) => written.push(text),
    isTTY: true,
    columns: 80,
    rows: 24,
  };
  const progress = createTerminalProgress({ stderr, now: clock.now, env }, clock.every);
  return { clock, written, progress };
}

describe("createTerminalProgress", () => {
  it("redraws bars in place, and keeps lines above them", async () => {
    const { clock, written, progress } = createTerminal({});
    progress.expect(1, 100);
    progress.start("thing", 100).packed(50);
    await clock.pass(1);
    expect(written.at(-1)).toContain("thing");
    progress.say("failed other: it was refused");
    const said = written.findIndex((text) => text.includes("failed other"));
    expect(written.slice(said + 1).join("")).toContain("thing");
    progress.close();
    expect(clock.timers()).toBe(0);
    // At the end the bars are removed.
    expect(stripVTControlCharacters(written.at(-1) ?? "x")).not.toMatch(/\S/);
  });

  it("uses colours unless NO_COLOR is set", async () => {
    for (const [env, hasColours] of [
      [{}, true],
      [{ NO_COLOR: "1" }, false],
    ] as const) {
      const { clock, written, progress } = createTerminal(env);
      progress.expect(1, 100);
      progress.start("thing", 100);
      await clock.pass(1);
      // oxlint-disable-next-line no-control-regex -- the pattern matches colours
      expect(/\u001b\[3\d/.test(written.join(""))).toBe(hasColours);
      progress.close();
    }
  });
});
