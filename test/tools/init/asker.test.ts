import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { err, ok } from "../../../src/result.ts";
import { createSilentAsker, createTerminalAsker } from "../../../tools/init/asker.ts";

const NAME = {
  message: "Name of the bucket",
  flag: "--bucket",
  parse: (text: string) => (text.length > 2 ? ok(text.toUpperCase()) : err("is too short")),
};

/** A terminal whose person types each text as soon as the output asks for `wait`. */
function terminal(...typed: readonly { readonly wait: string; readonly keys: string }[]) {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = "";
  let recent = "";
  const left = [...typed];
  output.on("data", (chunk: Buffer) => {
    shown += chunk.toString();
    recent += chunk.toString();
    const next = left[0];
    if (next === undefined || !recent.includes(next.wait)) return;
    left.shift();
    recent = "";
    setTimeout(() => input.write(next.keys), 20);
  });
  return { asker: createTerminalAsker(input, output), shown: () => shown };
}

describe("createTerminalAsker", () => {
  it("asks until the answer is right, and says what is wrong", async () => {
    const { asker, shown } = terminal(
      { wait: "Name of the bucket", keys: "ab\r" },
      { wait: "is too short", keys: "c\r" },
    );
    expect(await asker.ask(NAME)).toBe("ABC");
    expect(shown()).toContain("The answer is too short.");
  });

  it("takes the suggestion for Enter", async () => {
    const { asker } = terminal({ wait: "Name of the bucket", keys: "\r" });
    expect(await asker.ask({ ...NAME, suggestion: "team" })).toBe("TEAM");
  });

  it("does not show a secret", async () => {
    const { asker, shown } = terminal({ wait: "Name of the bucket", keys: "hidden-key\r" });
    expect(await asker.askSecret(NAME)).toBe("HIDDEN-KEY");
    expect(shown()).not.toContain("hidden");
  });

  it("ends at Ctrl-C", async () => {
    const { asker } = terminal({ wait: "Name of the bucket", keys: "\u0003" });
    await expect(asker.ask(NAME)).rejects.toThrow("interrupted");
  });

  it("asks for a yes or a no", async () => {
    const { asker } = terminal({ wait: "Continue?", keys: "n" });
    expect(await asker.confirm("Continue?", true)).toBe(false);
  });
});

describe("createSilentAsker", () => {
  it("takes suggestions, confirms nothing, and names all that is missing or wrong", async () => {
    const asker = createSilentAsker();
    expect(await asker.ask({ ...NAME, suggestion: "team" })).toBe("TEAM");
    expect(await asker.confirm("Continue?", true)).toBeUndefined();
    asker.requireAnswers();
    await asker.ask(NAME);
    await asker.askSecret({ ...NAME, flag: "--key", suggestion: "x" });
    expect(() => asker.requireAnswers()).toThrow(
      "Nothing has been changed. Correct these first:\n  --bucket is missing\n  --key is too short",
    );
  });
});
