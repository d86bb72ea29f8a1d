import { describe, expect, it } from "vitest";
import { AwsV4Signer } from "aws4fetch";
import { parseRequestTarget } from "../../../tools/b2-server/http/request-target.ts";
import {
  checkSignature,
  createSigningKeys,
  type RequestToCheck,
} from "../../../tools/b2-server/signature/check-signature.ts";
import {
  AWS_EXAMPLES,
  AWS_HOST,
  AWS_PRESIGNED,
  AWS_TIME,
  EMPTY_SHA256,
  KEY_ID,
  SECRET,
  type Example,
} from "./aws-signature-examples.ts";

function request(
  method: string,
  rawTarget: string,
  headers: Readonly<Record<string, string>>,
): RequestToCheck {
  const target = parseRequestTarget(rawTarget);
  if (!target.ok) throw target.error;
  return { method, target: target.value, headers };
}

function check(signed: RequestToCheck, now: Date, region = "us-east-1"): string {
  const result = checkSignature(signed, {
    region,
    now,
    findKey: (keyId) => (keyId === KEY_ID ? { secret: SECRET } : undefined),
    deriveSigningKey: createSigningKeys(),
  });
  return result.ok ? "ok" : result.error.code;
}

function awsRequest(example: Example): RequestToCheck {
  return request(example.method, example.target, {
    ...example.headers,
    host: AWS_HOST,
    "x-amz-date": "20130524T000000Z",
    authorization:
      `AWS4-HMAC-SHA256 Credential=${KEY_ID}/20130524/us-east-1/s3/aws4_request,` +
      `SignedHeaders=${example.signedHeaders},Signature=${example.signature}`,
  });
}

function minutesAfter(minutes: number): Date {
  return new Date(AWS_TIME.getTime() + minutes * 60_000);
}

describe("checkSignature, on AWS's published examples", () => {
  it.each(AWS_EXAMPLES)("accepts $what", (example) => {
    expect(check(awsRequest(example), AWS_TIME)).toBe("ok");
  });

  it("accepts the presigned URL until it expires", () => {
    const presigned = request("GET", AWS_PRESIGNED, { host: AWS_HOST });
    expect(check(presigned, minutesAfter(24 * 60))).toBe("ok");
    expect(check(presigned, minutesAfter(24 * 60 + 1))).toBe("AccessDenied");
    expect(check(presigned, minutesAfter(-16))).toBe("AccessDenied");
  });

  it.each(AWS_EXAMPLES)("hands back the hash that $what must have", (example) => {
    const result = checkSignature(awsRequest(example), {
      region: "us-east-1",
      now: AWS_TIME,
      findKey: () => ({ secret: SECRET }),
      deriveSigningKey: createSigningKeys(),
    });
    const bodySha256 = example.headers["x-amz-content-sha256"];
    expect(result).toMatchObject({ ok: true, value: { bodySha256 } });
  });
});

const NOW = new Date("2026-10-03T12:00:00Z");
const REGION = "us-east-005";

interface Variant {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

async function signByAws4fetch(changes: {
  readonly url?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly secret?: string;
  readonly region?: string;
  readonly service?: string;
  readonly datetime?: string;
  readonly signQuery?: boolean;
}): Promise<Variant> {
  const signer = new AwsV4Signer({
    method: "GET",
    url: changes.url ?? "http://127.0.0.1:9000/bucket/nix/cache/a.narinfo?versionId=1",
    headers: changes.headers ?? { "x-amz-meta-note": "two  spaces" },
    accessKeyId: KEY_ID,
    secretAccessKey: changes.secret ?? SECRET,
    service: changes.service ?? "s3",
    region: changes.region ?? REGION,
    datetime: changes.datetime ?? "20261003T120000Z",
    signQuery: changes.signQuery ?? false,
  });
  const { url, headers } = await signer.sign();
  return {
    method: "GET",
    target: url.pathname + url.search,
    headers: { ...Object.fromEntries(headers), host: url.host },
  };
}

function checkVariant(variant: Variant, now = NOW): string {
  const sent = Object.entries(variant.headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return check(request(variant.method, variant.target, Object.fromEntries(sent)), now, REGION);
}

describe("checkSignature, on what aws4fetch signs", () => {
  it.each([
    { what: "escapes in the path", url: "http://h/b/%C3%BC%20%2B!'()*~%25/a" },
    { what: "a dot segment's lookalike", url: "http://h/b/hm_..zlogout.drv" },
    { what: "a space as + in the query", url: "http://h/b/?list-type=2&prefix=a+b" },
    { what: "parameters out of order", url: "http://h/b/?prefix=J&max-keys=2&list-type=2" },
    { what: "an empty value", url: "http://h/b/?prefix=&list-type=2" },
  ])("accepts $what", async ({ url }) => {
    expect(checkVariant(await signByAws4fetch({ url }))).toBe("ok");
    expect(checkVariant(await signByAws4fetch({ url, headers: {}, signQuery: true }))).toBe("ok");
  });

  // aws4fetch takes a bare "+" for a space, and S3 does not: it must be %2B.
  it("keeps a bare + in the path a +", async () => {
    const escaped = await signByAws4fetch({ url: "http://h/b/gtk%2B3.drv" });
    expect(checkVariant({ ...escaped, target: "/b/gtk+3.drv" })).toBe("ok");
    const bare = await signByAws4fetch({ url: "http://h/b/gtk+3.drv" });
    expect(checkVariant(bare)).toBe("SignatureDoesNotMatch");
  });

  it.each([
    { what: "another method", change: { method: "PUT" } },
    { what: "another path", change: { target: "/bucket/nix/cache/b.narinfo?versionId=1" } },
    { what: "another query", change: { target: "/bucket/nix/cache/a.narinfo?versionId=2" } },
    { what: "a query more", change: { target: "/bucket/nix/cache/a.narinfo?versionId=1&x=" } },
  ])("refuses $what", async ({ change }) => {
    const signed = await signByAws4fetch({});
    expect(checkVariant({ ...signed, ...change })).toBe("SignatureDoesNotMatch");
  });

  it.each([
    {
      what: "a changed signed header",
      headers: { "x-amz-meta-note": "else" },
      code: "SignatureDoesNotMatch",
    },
    { what: "another host", headers: { host: "else" }, code: "SignatureDoesNotMatch" },
    {
      what: "another payload hash",
      headers: { "x-amz-content-sha256": EMPTY_SHA256 },
      code: "SignatureDoesNotMatch",
    },
    {
      what: "a payload hash that is none",
      headers: { "x-amz-content-sha256": "abc" },
      code: "InvalidArgument",
    },
    {
      what: "a streaming payload",
      headers: { "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER" },
      code: "NotImplemented",
    },
    { what: "an unsigned x-amz header", headers: { "x-amz-meta-more": "1" }, code: "AccessDenied" },
    {
      what: "a signed header that was stripped",
      headers: { "x-amz-meta-note": undefined },
      code: "InvalidRequest",
    },
    { what: "no x-amz-date", headers: { "x-amz-date": undefined }, code: "AccessDenied" },
    {
      what: "no payload hash",
      headers: { "x-amz-content-sha256": undefined },
      code: "InvalidRequest",
    },
    { what: "no authorization", headers: { authorization: undefined }, code: "AccessDenied" },
    { what: "another scheme", headers: { authorization: "Basic eDp5" }, code: "InvalidRequest" },
    {
      what: "an authorization cut short",
      headers: { authorization: "AWS4-HMAC-SHA256 Credential=a" },
      code: "AuthorizationHeaderMalformed",
    },
  ])("refuses $what", async ({ headers, code }) => {
    const signed = await signByAws4fetch({});
    expect(checkVariant({ ...signed, headers: { ...signed.headers, ...headers } })).toBe(code);
  });

  it("refuses a header named like an object's own property", async () => {
    const signed = await signByAws4fetch({});
    const authorization = signed.headers["authorization"]?.replace("host;", "constructor;host;");
    const headers = { ...signed.headers, authorization };
    expect(checkVariant({ ...signed, headers })).toBe("InvalidRequest");
  });

  it.each([
    { what: "a wrong secret", change: { secret: "wrong" }, code: "SignatureDoesNotMatch" },
    {
      what: "another region",
      change: { region: "us-west-004" },
      code: "AuthorizationHeaderMalformed",
    },
    {
      what: "another service",
      change: { service: "sts", headers: { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } },
      code: "AuthorizationHeaderMalformed",
    },
    {
      what: "a clock 16 minutes behind",
      change: { datetime: "20261003T114400Z" },
      code: "RequestTimeTooSkewed",
    },
    {
      what: "a clock 16 minutes ahead",
      change: { datetime: "20261003T121600Z" },
      code: "RequestTimeTooSkewed",
    },
  ])("refuses $what", async ({ change, code }) => {
    expect(checkVariant(await signByAws4fetch(change))).toBe(code);
  });

  it("accepts a clock 14 minutes off", async () => {
    expect(checkVariant(await signByAws4fetch({ datetime: "20261003T114600Z" }))).toBe("ok");
  });

  it("refuses an unknown key", async () => {
    const signed = await signByAws4fetch({});
    const authorization = signed.headers["authorization"]?.replace(KEY_ID, "AKIAOTHER");
    const headers = { ...signed.headers, authorization };
    expect(checkVariant({ ...signed, headers })).toBe("InvalidAccessKeyId");
  });

  it("refuses two signatures at once", async () => {
    const presigned = await signByAws4fetch({ headers: {}, signQuery: true });
    const headers = { ...presigned.headers, authorization: "AWS4-HMAC-SHA256 Credential=a" };
    expect(checkVariant({ ...presigned, headers })).toBe("InvalidArgument");
  });

  it.each(["0", "604801", "-1", "1e3", ""])("refuses X-Amz-Expires=%s", async (expires) => {
    const url = `http://h/b/k?X-Amz-Expires=${expires}`;
    const presigned = await signByAws4fetch({ url, headers: {}, signQuery: true });
    expect(checkVariant(presigned)).toBe("AuthorizationQueryParametersError");
  });

  it("refuses a presigned URL whose expiry was raised", async () => {
    const presigned = await signByAws4fetch({ headers: {}, signQuery: true });
    const target = presigned.target.replace("X-Amz-Expires=86400", "X-Amz-Expires=604800");
    expect(checkVariant({ ...presigned, target })).toBe("SignatureDoesNotMatch");
  });
});
