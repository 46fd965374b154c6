/** How an agent comes by its certificates (agent-protocol.md §1.6, §1.7, §2.6, §3.2). */
import { request } from 'node:https';
import {
  bootstrapTokenSchema,
  certificateResponseSchema,
  type CertificateResponse,
} from '../api/wire/enroll.ts';
import type { Timestamp } from '../api/time.ts';
import type { Clock } from '../kube/clock.ts';
import type { AgentIdentity } from './client.ts';
import { certificateRequest } from './certificate-request.ts';
import type { HostKey } from './openssh-key.ts';

/** An agent that has no certificate yet, or asks for the next one. */
export interface Applicant {
  readonly controlPlaneUrl: string;
  readonly caPem: string;
  readonly machineId: string;
  readonly hostKey: HostKey;
}

/** A certificate in use. */
export interface AgentCertificate {
  readonly certPem: string;
  readonly notAfter: Timestamp;
}

/** The control plane said no; the real agent's process ends here. */
export class EnrolmentRefusedError extends Error {
  override readonly name = 'EnrolmentRefusedError';
  readonly status: number;

  constructor(path: string, status: number) {
    super(`${path} answered ${status}`);
    this.status = status;
  }
}

/** The agent asks again after this, where the control plane is not ready, in milliseconds. */
const ENROL_RETRY_MS = 10_000;
const TIMEOUT_MS = 30_000;
const NOT_READY = 'control plane not ready';
const BODY_MAX = 1024 * 1024;

/**
 * Enrols with the text of a bootstrap token file, asking again for as long as the control plane is not ready. Rejects
 * with `EnrolmentRefusedError` on every other refusal.
 */
export async function enrol(
  applicant: Applicant,
  tokenText: string,
  options: { readonly clock: Clock; readonly retryMs?: number; readonly signal?: AbortSignal },
): Promise<AgentCertificate> {
  const token = bootstrapTokenSchema.parse(JSON.parse(tokenText));
  const csrPem = await certificateRequest(applicant.machineId, applicant.hostKey);
  for (;;) {
    const { status, text } = await post(applicant, '/v1/enroll', { token, csrPem });
    if (status === 200) return certificateOf(text);
    if (status !== 503 || !text.includes(NOT_READY)) throw new EnrolmentRefusedError('/v1/enroll', status);
    await options.clock.sleep(options.retryMs ?? ENROL_RETRY_MS, options.signal);
  }
}

/** Asks for the next certificate under the one in use, with the same key. Rejects with `EnrolmentRefusedError`. */
export async function renew(applicant: Applicant, certPem: string): Promise<AgentCertificate> {
  const csrPem = await certificateRequest(applicant.machineId, applicant.hostKey);
  const { status, text } = await post(applicant, '/v1/agent/renew', { csrPem }, certPem);
  if (status !== 200) throw new EnrolmentRefusedError('/v1/agent/renew', status);
  return certificateOf(text);
}

/** The identity of a host that enrols and renews; its agent's next start uses the newest certificate (§2.6). */
export class EnrolledIdentity implements AgentIdentity {
  readonly #applicant: Applicant;
  #certificate: AgentCertificate | undefined;

  constructor(applicant: Applicant) {
    this.#applicant = applicant;
  }

  get controlPlaneUrl(): string {
    return this.#applicant.controlPlaneUrl;
  }

  get caPem(): string {
    return this.#applicant.caPem;
  }

  get keyPem(): string {
    return this.#applicant.hostKey.keyPem;
  }

  /** Throws before the host has enrolled. */
  get certPem(): string {
    if (this.#certificate === undefined) throw new Error(`${this.#applicant.machineId} has not enrolled yet`);
    return this.#certificate.certPem;
  }

  /** Enrols where there is no certificate yet, as an agent does at its start (§3.2). */
  async enrol(tokenText: string, options: Parameters<typeof enrol>[2]): Promise<void> {
    this.#certificate ??= await enrol(this.#applicant, tokenText, options);
  }

  /** Puts the next certificate in the place of the one in use. */
  async renew(): Promise<void> {
    this.#certificate = await renew(this.#applicant, this.certPem);
  }
}

function certificateOf(text: string): CertificateResponse {
  return certificateResponseSchema.parse(JSON.parse(text));
}

interface TextAnswer {
  readonly status: number;
  readonly text: string;
}

/** One request over a connection of its own: the two routes are called once in a long while. */
function post(applicant: Applicant, path: string, body: object, certPem?: string): Promise<TextAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<TextAnswer>();
  const payload = JSON.stringify(body);
  const outgoing = request(new URL(path, applicant.controlPlaneUrl), {
    method: 'POST',
    agent: false,
    timeout: TIMEOUT_MS,
    ca: applicant.caPem,
    ...(certPem !== undefined && { cert: certPem, key: applicant.hostKey.keyPem }),
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(payload),
      'x-nixfleet-protocol': '1',
      connection: 'close',
    },
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error(`POST ${path}: no answer`)));
  outgoing.on('error', reject);
  outgoing.on('response', (incoming) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > BODY_MAX) incoming.destroy(new Error(`POST ${path}: the answer is too long`));
    });
    incoming.on('error', reject);
    incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
  });
  outgoing.end(payload);
  return promise;
}
