import type { Fleet } from '../../api/kinds/fleet.ts';
import type { SignedDocument } from '../../core/artifacts/release.ts';
import { durationOr } from '../../core/duration.ts';
import type { ConfigMap } from '../../kube/blob-store.ts';
import type { Clock } from '../../kube/clock.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { getSecret, secretText } from '../../kube/secret.ts';
import type { StoreReader } from '../../kube/store.ts';
import { ConditionalFetch } from '../fleet/conditional-fetch.ts';
import { signatureOf } from '../../core/artifacts/signature-file.ts';
import { SourceFault } from '../fleet/release-files.ts';

/** Where a signed side document comes from (kubernetes-api.md, `spec.agents`). */
export type DocumentSpec = NonNullable<Fleet['spec']['agents']['revocations']>;

/** What reading a side document needs. */
export interface DocumentSourceContext {
  readonly client: KubeClient;
  readonly configMaps: Pick<StoreReader<ConfigMap>, 'get'>;
  readonly clock: Clock;
}

/** Documents are polled at least this often (agent-protocol.md §2.4, §2.5). */
export const POLL_MS = 60_000;
const MIN_POLL_MS = 1_000;

/** Time between two polls, in milliseconds: as asked for, but at least once a minute. */
export function pollIntervalMs(interval: string): number {
  return Math.min(POLL_MS, Math.max(MIN_POLL_MS, durationOr(interval, POLL_MS)));
}

/** Reads one side document from its source; what is fetched holds until the next poll is due. */
export class DocumentSource {
  readonly #context: DocumentSourceContext;
  readonly #field: string;
  readonly #fetch: ConditionalFetch;
  #fetched: { readonly spec: string; readonly document: SignedDocument; readonly until: number } | undefined;

  /** `field` is the Fleet's field that holds the spec. */
  constructor(context: DocumentSourceContext, field: string) {
    this.#context = context;
    this.#field = field;
    this.#fetch = new ConditionalFetch(`${field}.http`);
  }

  /** The document as it is published now. Rejects with `SourceFault`. */
  async read(fleet: Fleet, spec: DocumentSpec, signal: AbortSignal): Promise<SignedDocument> {
    if (spec.inline !== undefined) {
      const { document, signature } = spec.inline;
      return { bytes: Buffer.from(document, 'utf8'), signature: signatureOf(Buffer.from(signature)) };
    }
    if (spec.configMapRef !== undefined) return this.#fromConfigMap(fleet, spec.configMapRef);
    if (spec.http !== undefined) return this.#poll(fleet, spec.http, signal);
    throw new SourceFault('SourceUnreadable', `${this.#field} is empty: give inline, configMapRef or http`);
  }

  #fromConfigMap(fleet: Fleet, { name, key }: NonNullable<DocumentSpec['configMapRef']>): SignedDocument {
    const configMap = this.#context.configMaps.get(`${fleet.metadata.namespace ?? ''}/${name}`);
    if (configMap === undefined) {
      throw new SourceFault(
        'SourceNotFound',
        `${this.#field}.configMapRef: ConfigMap ${name} does not exist: apply it together with the Fleet`,
      );
    }
    const [bytes, signature] = [key, `${key}.sig`].map((wanted) => {
      const content = contentOf(configMap, wanted);
      if (content !== undefined) return content;
      throw new SourceFault(
        'MissingKey',
        `${this.#field}.configMapRef: ConfigMap ${name} has no key ${wanted}: publish document and signature`,
      );
    });
    return { bytes: bytes ?? Buffer.alloc(0), signature: signatureOf(signature ?? Buffer.alloc(0)) };
  }

  async #poll(
    fleet: Fleet,
    http: NonNullable<DocumentSpec['http']>,
    signal: AbortSignal,
  ): Promise<SignedDocument> {
    const { clock } = this.#context;
    const spec = JSON.stringify(http);
    if (this.#fetched?.spec === spec && clock.monotonicMillis() < this.#fetched.until) {
      return this.#fetched.document;
    }
    const token = await this.#token(fleet, http);
    const bytes = await this.#fetch.get(http.url, token, signal);
    const signature = signatureOf(await this.#fetch.get(http.signatureURL, token, signal));
    const document = { bytes, signature };
    this.#fetched = { spec, document, until: clock.monotonicMillis() + pollIntervalMs(http.interval) };
    return document;
  }

  async #token(
    fleet: Fleet,
    { tokenSecretRef }: NonNullable<DocumentSpec['http']>,
  ): Promise<string | undefined> {
    if (tokenSecretRef === undefined) return undefined;
    const { name, key } = tokenSecretRef;
    const namespace = fleet.metadata.namespace ?? '';
    const token = secretText(await getSecret(this.#context.client, { namespace, name }), key)?.trim();
    if (token !== undefined && token !== '') return token;
    throw new SourceFault(
      'SourceUnreadable',
      `${this.#field}.http.tokenSecretRef: Secret ${name} has no key ${key}`,
    );
  }
}

function contentOf({ data, binaryData }: ConfigMap, key: string): Buffer | undefined {
  const text = data?.[key];
  if (text !== undefined) return Buffer.from(text, 'utf8');
  const base64 = binaryData?.[key];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
