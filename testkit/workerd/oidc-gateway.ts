import { createFakeIssuer, type FakeIssuer, githubTrust } from "../fake-issuer.ts";
import { createOidcEnvironment, type TestOidcEnvironment } from "./oidc-environment.ts";
import { AUDIENCE, GOOD_CLAIMS, ISSUER } from "./oidc-verifier.ts";
import { type Prepared, startFilledGateway } from "./prepared.ts";

export interface OidcGateway extends Prepared {
  readonly issuer: FakeIssuer;
  readonly environment: TestOidcEnvironment;
  /** The headers of whoever holds a token of the policy, with these claims changed. */
  holder(claims?: Readonly<Record<string, unknown>>): Promise<{ authorization: string }>;
}

/** A gateway that holds one store path and trusts an issuer with a policy for pushes. */
export async function startOidcGateway(
  settings: Readonly<Record<string, string>> = {},
  trust: readonly unknown[] = [githubTrust(ISSUER, AUDIENCE)],
): Promise<OidcGateway> {
  const issuer = await createFakeIssuer(ISSUER);
  const environment = createOidcEnvironment(issuer);
  const gateway = await startFilledGateway(
    { OIDC_TRUST: JSON.stringify(trust), ...settings },
    1000,
    environment,
  );
  return {
    ...gateway,
    issuer,
    environment,
    async holder(claims = {}) {
      return { authorization: `Bearer ${await issuer.sign({ ...GOOD_CLAIMS, ...claims })}` };
    },
  };
}
