/** `npm run cost`: calculates the monthly cost of a team's cache on Nargate and on other services. */
import { parseArgs } from "node:util";
import { UsageError } from "../../src/client/client-error.ts";
import { FLAT_PLANS } from "../../src/prices/cloudfront-plans.ts";
import { PRICES } from "../../src/prices/price-list.ts";
import { runCommand } from "../run-command.ts";
import { formatBill, formatSummary, toJson } from "./format-bill.ts";
import { formatFlatPlans, formatPrices } from "./format-prices.ts";
import { isProviderName, PROVIDERS } from "./providers.ts";
import { parseUsage, USAGE_FLAGS } from "./usage.ts";

function formatFlags(): string {
  return Object.entries(USAGE_FLAGS)
    .map(([name, { what, byDefault, defaultText, isShare }]) => {
      const flag = `--${name} ${isShare ? "SHARE" : "N"}`;
      return `  ${flag.padEnd(22)}${what} [${defaultText ?? Number(byDefault)}]`;
    })
    .join("\n");
}

const USAGE = `Usage: npm run cost -- [--paths N] [--pulls N] …

  Calculates the monthly bill of a Nix cache from the usage of a team.
  N is a number, and may end in k, M or G. SHARE is a number from 0 to 1.
  Each option has its default in brackets.

${formatFlags()}

  --bill NAME           print the items of this bill; may be repeated
  --json                print all bills with their items as JSON
  --prices              print the prices and their sources in Markdown

  Bills:
${Object.entries(PROVIDERS)
  .map(([name, { what }]) => `  ${name.padEnd(24)}${what}`)
  .join("\n")}

  docs/cost.md explains how the bills are calculated, and what is assumed.
`;

const USAGE_OPTIONS = Object.fromEntries(
  Object.keys(USAGE_FLAGS).map((name) => [name, { type: "string" as const }]),
);

async function main(): Promise<string> {
  const { values } = parseArgs({
    options: {
      bill: { type: "string", multiple: true, default: [] },
      json: { type: "boolean" },
      prices: { type: "boolean" },
      help: { type: "boolean", short: "h" },
      ...USAGE_OPTIONS,
    },
  });
  if (values.help === true) return USAGE;
  if (values.prices === true) {
    return `${formatPrices(Object.values(PRICES))}\n${formatFlatPlans(FLAT_PLANS)}`;
  }
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries<unknown>(values)) {
    if (typeof value === "string") given[name] = value;
  }
  const usage = parseUsage(given);
  if (!usage.ok) throw new UsageError(usage.error);
  const bills = Object.entries(PROVIDERS).map(
    ([name, { bill }]) => [name, bill(usage.value)] as const,
  );
  if (values.json === true) {
    const entries = bills.map(([name, bill]) => [name, toJson(bill)]);
    const answer = { usage: usage.value, bills: Object.fromEntries(entries) };
    return `${JSON.stringify(answer, undefined, 2)}\n`;
  }
  if (values.bill.length === 0) return formatSummary(bills);
  return values.bill
    .map((name) => {
      if (!isProviderName(name)) {
        throw new UsageError(
          `there is no bill ${name}; use one of: ${Object.keys(PROVIDERS).join(", ")}`,
        );
      }
      return formatBill(name, PROVIDERS[name].bill(usage.value));
    })
    .join("\n");
}

runCommand(main);
