import { generateKeyPairSync } from 'node:crypto';
import { certificateRequest } from '../../src/agent/certificate-request.ts';
import { readHostKey, type HostKey } from '../../src/agent/openssh-key.ts';
import type { Timestamp } from '../../src/api/time.ts';
import type { BootstrapClaims, BootstrapToken } from '../../src/api/wire/enroll.ts';
import { publicKeyFingerprint, signBootstrapToken } from '../../src/core/artifacts/bootstrap-token.ts';
import { signingKeyFromPem, type SigningKey } from '../../src/core/artifacts/sign.ts';
import type { DeclaredKey } from '../../src/core/enrolment/judge-request.ts';
import type { ListedNonce } from '../../src/core/enrolment/judge-token.ts';
import type { PemPair } from '../../src/dev/certificates.ts';
import { makeSshHostKey } from '../../src/dev/ssh-host-key.ts';
import type { EventNote } from '../../src/kube/events.ts';
import type { Admission } from '../../src/webhook/admission.ts';
import { CertificateAuthority } from '../../src/webhook/certificate-authority.ts';

/** A host with an SSH key of its own. */
export interface TestHost {
  readonly hostname: string;
  readonly pubkey: string;
  readonly key: HostKey;
  csr(commonName?: string): Promise<string>;
}

export function newHostKey(hostname: string, seed?: Uint8Array): TestHost {
  const { privateText, publicLine } = makeSshHostKey(`root@${hostname}`, seed);
  const key = readHostKey(privateText);
  return {
    hostname,
    pubkey: publicLine,
    key,
    csr: (commonName = hostname) => certificateRequest(commonName, key),
  };
}

/** An ed25519 signing key of this seed, or a new one. */
export function newSigningKey(seed?: Uint8Array): SigningKey {
  if (seed === undefined) {
    const { privateKey } = generateKeyPairSync('ed25519');
    return signingKeyFromPem(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  return signingKeyFromPem(readHostKey(makeSshHostKey('', seed).privateText).keyPem);
}

/** What a scene of enrolments knows and can change; its admission reads it live. */
export interface EnrolmentScene {
  readonly orgRoot: SigningKey;
  readonly nonces: ListedNonce[];
  readonly hosts: Map<string, DeclaredKey>;
  readonly revoked: Map<string, Timestamp>;
  readonly notes: EventNote[];
  readonly admission: Admission;
  fault: { orgRoot?: string; authority?: string; unready?: boolean; noRelease?: boolean };
  authority: CertificateAuthority;
  /** Lists a nonce for a host and makes its token; overrides change the claims before they are signed. */
  token(host: TestHost, overrides?: Partial<BootstrapClaims>, listing?: Partial<ListedNonce>): BootstrapToken;
}

let counter = 0;

/** A scene at the time `now`: tokens are in force an hour before and after it. */
export function newEnrolmentScene(
  ca: PemPair,
  times: { readonly from: Timestamp; readonly until: Timestamp },
  orgRoot = newSigningKey(),
): EnrolmentScene {
  const nonces: ListedNonce[] = [];
  const hosts = new Map<string, DeclaredKey>();
  const revoked = new Map<string, Timestamp>();
  const notes: EventNote[] = [];
  const scene: EnrolmentScene = {
    orgRoot,
    nonces,
    hosts,
    revoked,
    notes,
    fault: {},
    authority: CertificateAuthority.open(ca),
    admission: {
      documentsVerified: () => scene.fault.unready !== true,
      revokedBefore: (hostname) => revoked.get(hostname),
      orgRoot: () =>
        scene.fault.orgRoot === undefined ? { keys: [orgRoot.trusted] } : { fault: scene.fault.orgRoot },
      listedNonces: (nonce) => nonces.filter((entry) => entry.nonce === nonce),
      knowsBurned: () => false,
      declaredHosts: () => (scene.fault.noRelease === true ? undefined : (hostname) => hosts.get(hostname)),
      authority: () =>
        scene.fault.authority === undefined ? scene.authority : { fault: scene.fault.authority },
      newRequestId: () => `request-${(counter += 1)}-${Math.random()}`,
      events: { record: (note) => void notes.push(note) },
    },
    token: (host, overrides = {}, listing = {}) => {
      const nonce = (counter += 1).toString(16).padStart(32, '0');
      const claims: BootstrapClaims = {
        hostname: host.hostname,
        expectedPubkeyFingerprint: publicKeyFingerprint(host.key.publicKey),
        issuedAt: times.from,
        expiresAt: times.until,
        nonce,
        ...overrides,
      };
      const entry = { nonce: claims.nonce, hostname: host.hostname, expiresAt: times.until };
      nonces.push({ ...entry, mintedAt: null, mintedBy: null, ...listing });
      return signBootstrapToken(claims, orgRoot);
    },
  };
  return scene;
}
