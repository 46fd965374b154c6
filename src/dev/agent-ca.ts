import {
  createCa,
  issueCertificate,
  type KeyType,
  type PemPair,
  type Validity,
  validFor,
} from './certificates.ts';

/** What an agent's certificate shall say; its common name is `agent-<machineId>.<suffix>` (agent-protocol.md §2.3). */
export interface AgentCertificateRequest {
  machineId: string;
  suffix: string;
  /** Default `p256`. */
  keyType?: KeyType;
  /** Default: from five minutes ago for thirty days. */
  validity?: Validity;
  /** Replaces the canonical common name, for tests of other spellings. */
  commonName?: string;
}

/** Makes the authority that signs agent certificates in the demo, in `make up`, and in tests. */
export async function createAgentCa(commonName = 'nixfleet agents (local)'): Promise<PemPair> {
  return createCa(commonName);
}

/** Issues the webhook's server certificate, by default for `localhost` and `127.0.0.1`. */
export async function mintServerCertificate(
  ca: PemPair,
  hosts: string[] = ['localhost', '127.0.0.1'],
): Promise<PemPair> {
  return issueCertificate(ca, { commonName: hosts[0] ?? 'localhost', hosts, usage: 'server' });
}

/** Issues a client certificate for one host, with the common name as its one DNS name, as a control plane would. */
export async function mintAgentCertificate(ca: PemPair, request: AgentCertificateRequest): Promise<PemPair> {
  const commonName = request.commonName ?? agentCommonName(request.machineId, request.suffix);
  return issueCertificate(ca, {
    commonName,
    hosts: [commonName],
    usage: 'client',
    keyType: request.keyType ?? 'p256',
    validity: request.validity ?? validFor(30),
  });
}

/** Issues a certificate that ended an hour ago: a TLS server must refuse it. */
export async function mintExpiredAgentCertificate(
  ca: PemPair,
  request: AgentCertificateRequest,
): Promise<PemPair> {
  const now = Date.now();
  return mintAgentCertificate(ca, {
    ...request,
    validity: { notBefore: new Date(now - 7_200_000), notAfter: new Date(now - 3_600_000) },
  });
}

/** Issues a certificate under an authority nobody trusts, of the same name as the real one: it must be refused too. */
export async function mintForeignAgentCertificate(request: AgentCertificateRequest): Promise<PemPair> {
  return mintAgentCertificate(await createAgentCa(), request);
}

/** The canonical common name of an agent's certificate. */
export function agentCommonName(machineId: string, suffix: string): string {
  return `agent-${machineId}.${suffix}`;
}
