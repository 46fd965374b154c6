import type { TrustConfig } from '../../../src/api/artifacts/trust-config.ts';
import type { FleetSpec } from '../../../src/api/kinds/fleet.ts';
import { addMillis, type Timestamp } from '../../../src/api/time.ts';
import type { BootstrapToken } from '../../../src/api/wire/enroll.ts';
import { publicKeyFingerprint, signBootstrapToken } from '../../../src/core/artifacts/bootstrap-token.ts';
import { signDocument, type SigningKey } from '../../../src/core/artifacts/sign.ts';
import { configMapResource, type ConfigMap } from '../../../src/kube/blob-store.ts';
import { isNotFound } from '../../../src/kube/errors.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { SUFFIX } from '../../support/agent-port.ts';
import { newSigningKey, type TestHost } from '../../support/enrolment.ts';
import { CI_KEY, trustIn } from '../../support/release.ts';

/** What of the Fleet's spec makes enrolment possible. */
export const ENROLLING: FleetSpec['agents'] = {
  caSecretRef: { name: 'agent-ca' },
  cnSuffix: SUFFIX,
  certificateLifetime: '720h',
  artifactMaxAge: '55m',
  bootstrapNonces: { configMapRef: { name: 'nonces', key: 'bootstrap-nonces.json' } },
  revocations: { configMapRef: { name: 'revocations', key: 'revocations.json' } },
};

/** What CI and the organisation publish beside a release: trust, nonces, revocations, tokens. */
export class EnrolmentSite {
  readonly orgRoot: SigningKey;
  ciKey: SigningKey;
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #now: () => Timestamp;
  #nonces: object[] = [];
  #counter = 0;

  constructor(
    client: KubeClient,
    namespace: string,
    now: () => Timestamp,
    keys: { readonly orgRoot?: SigningKey; readonly ciKey?: SigningKey } = {},
  ) {
    this.#client = client;
    this.#namespace = namespace;
    this.#now = now;
    this.orgRoot = keys.orgRoot ?? newSigningKey();
    this.ciKey = keys.ciKey ?? CI_KEY;
  }

  /** Trust with an org root. */
  async trust(ciReleaseKey?: Partial<TrustConfig['ciReleaseKey']>): Promise<void> {
    const base = trustIn(this.ciKey.trusted);
    const slot = { ...base.ciReleaseKey, current: this.orgRoot.trusted };
    const trust = { ...base, orgRootKey: slot, ciReleaseKey: { ...base.ciReleaseKey, ...ciReleaseKey } };
    await this.#put('trust', { 'trust.json': JSON.stringify(trust) });
  }

  /** A token of the host, whose nonce is added to the list that is published next. */
  token(host: TestHost): BootstrapToken {
    const nonce = Buffer.from(`${this.#namespace} ${(this.#counter += 1)}`.padEnd(16).slice(-16)).toString(
      'hex',
    );
    const [issuedAt, expiresAt] = [addMillis(this.#now(), -60_000), addMillis(this.#now(), 3_600_000)];
    this.#nonces.push({ nonce, hostname: host.hostname, expiresAt });
    const expectedPubkeyFingerprint = publicKeyFingerprint(host.key.publicKey);
    const claims = { hostname: host.hostname, expectedPubkeyFingerprint, issuedAt, expiresAt, nonce };
    return signBootstrapToken(claims, this.orgRoot);
  }

  /** Lists a nonce that somebody else has put into a token. */
  list(nonce: string, hostname: string, expiresAt: string): void {
    this.#nonces.push({ nonce, hostname, expiresAt });
  }

  /** Publishes the nonces of all tokens so far. */
  async publishNonces(key = this.ciKey): Promise<void> {
    await this.#publish('nonces', 'bootstrap-nonces.json', { bootstrapNonces: this.#nonces }, key);
  }

  /** Publishes exactly these revocations. */
  async publishRevocations(
    revocations: Readonly<Record<string, Timestamp>>,
    key = this.ciKey,
  ): Promise<void> {
    const entries = Object.entries(revocations).map(([hostname, notBefore]) => ({ hostname, notBefore }));
    await this.#publish('revocations', 'revocations.json', { revocations: entries }, key);
  }

  async #publish(name: string, file: string, body: object, key: SigningKey): Promise<void> {
    const meta = { schemaVersion: 1, signedAt: this.#now(), ciCommit: null };
    const text = JSON.stringify({ schemaVersion: 1, ...body, meta });
    const signature = Buffer.from(signDocument(text, key).signature).toString('base64');
    await this.#put(name, { [file]: text, [`${file}.sig`]: signature });
  }

  async #put(name: string, data: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { name, namespace: this.#namespace };
    const wanted: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data };
    try {
      const current = await this.#client.get(configMapResource, metadata);
      await this.#client.replace(configMapResource, { ...wanted, metadata: current.metadata });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await this.#client.create(configMapResource, wanted);
    }
  }
}
