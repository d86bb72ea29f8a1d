import { describe, expect, it } from "vitest";
import { createLogOutput } from "../../src/action/action-context.ts";
import { isWorkDirectory, makeWorkDirectory } from "../../src/action/job-state.ts";
import { createCacheClient } from "../../src/client/gateway/cache-client.ts";
import { createHttpClient } from "../../src/client/gateway/http-client.ts";
import { readTokenFacts } from "../../src/client/gateway/token-facts.ts";
import { createUploadApi } from "../../src/client/push/upload-api.ts";
import { answerJson, type Handler, serve } from "../../testkit/node/serve.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../testkit/node/test-context.ts";

async function connect(handler: Handler) {
  const http = createHttpClient(createTestContext({ fetch }), {
    attempts: 1,
    idleMilliseconds: 5_000,
  });
  return createCacheClient(await serve(handler), async () => undefined, http);
}

describe("a cache that tries to command the runner", () => {
  it("cannot do so by the name of a token", async () => {
    const name = "ci\n::save-state name=nargate::{}";
    const client = await connect((_, response) => answerJson(response, { name, scopes: ["push"] }));
    await expect(readTokenFacts(client)).rejects.toThrow("name is not a plain name");
  });

  it("cannot do so by the last line of a completion", async () => {
    const message = "no\n::add-mask::a";
    const client = await connect((_, response) =>
      response.end(`${JSON.stringify({ error: { code: "internal", message } })}\n`),
    );
    const last = await createUploadApi(client).complete("handle", () => {});
    expect(last).toMatchObject({ status: "failed", message: "no ::add-mask::a" });
  });

  it("cannot do so by anything that is printed", () => {
    const written: string[] = [];
    const { write } = createLogOutput((text) => written.push(text));
    write("pushed a\n::set-output name=x::y\nb ##[add-path]c\n");
    expect(written).toEqual(["pushed a\nnargate: ::set-output name=x::y\nb ## [add-path]c\n"]);
  });
});

describe("the directory of a job", () => {
  it("is known again by the last step", async () => {
    const env = { RUNNER_TEMP: await temporaryDirectory() };
    expect(isWorkDirectory(await makeWorkDirectory(env), env)).toBe(true);
  });

  it.each(["/home/runner", "/", "", ".", "nargate-abcdef", "/runner/temp", "/runner/temp/other"])(
    "is not %j, whatever the saved state says",
    (directory) => {
      expect(isWorkDirectory(directory, { RUNNER_TEMP: "/runner/temp" })).toBe(false);
    },
  );

  it("is none that leads out of the runner's directory", () => {
    const env = { RUNNER_TEMP: "/runner/temp" };
    for (const directory of ["/runner/temp/../nargate-abcdef", "/runner/temp/x/nargate-abcdef"]) {
      expect(isWorkDirectory(directory, env), directory).toBe(false);
    }
    expect(isWorkDirectory("/runner/temp/nargate-aB3xyz", env)).toBe(true);
  });
});
