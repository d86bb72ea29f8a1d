import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { readFuzzSettings } from "./testkit/node/fuzz-settings.ts";

/**
 * The folder of a test says where it runs: `test/worker` in workerd,
 * `test/real-nix` in Node beside a real `nix`, everything else in Node. The
 * folders that the worker shares with the command are tested in both runtimes.
 */
const SHARED = "test/{api,checks,http,nix,prices,settings}/**/*.test.ts";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{worker,real-nix}/**"],
          environment: "node",
          provide: readFuzzSettings(process.env),
        },
      },
      {
        test: {
          // The real `nix` against the real worker in workerd.
          name: "real-nix",
          include: ["test/real-nix/**/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => {
            const bucket = inject("fakeB2");
            return {
              wrangler: { configPath: "./wrangler.toml" },
              remoteBindings: false,
              miniflare: {
                bindings: {
                  // In the place of the placeholders of wrangler.toml.
                  B2_ENDPOINT: bucket.endpoint,
                  B2_REGION: bucket.region,
                  B2_BUCKET: "ai-dev-env",
                  B2_PREFIX: "nix/cache/",
                  PUBLIC_KEYS: "",
                  B2_KEY_ID: bucket.keyId,
                  B2_APPLICATION_KEY: bucket.secret,
                },
              },
            };
          }),
        ],
        test: {
          name: "workerd",
          // One isolate for all files: it keeps its memory in the gateway, and each
          // test makes its own. A fresh isolate for each file takes twice the CPU.
          isolate: false,
          testTimeout: 30_000,
          globalSetup: ["testkit/node/fake-b2-global.ts"],
          provide: readFuzzSettings(process.env),
          include: ["test/worker/**/*.test.ts", SHARED],
        },
      },
    ],
  },
});
