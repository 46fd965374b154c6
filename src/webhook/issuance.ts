import { API_VERSION } from '../api/group.ts';
import { laterOf, type Timestamp } from '../api/time.ts';
import type { CertificateResponse, EnrollRequest, RenewRequest } from '../api/wire/enroll.ts';
import { durationOr } from '../core/duration.ts';
import { certificateProfile, type CertificateProfile } from '../core/enrolment/certificate-profile.ts';
import { judgeFirstRequest, judgeRenewal } from '../core/enrolment/judge-request.ts';
import { judgeToken } from '../core/enrolment/judge-token.ts';
import { refused, type Refused } from '../core/enrolment/refusal.ts';
import { hostName } from '../core/naming.ts';
import type { KubeObject } from '../kube/resource.ts';
import { TokenBucket } from '../kube/token-bucket.ts';
import type { Admission } from './admission.ts';
import { bare, json, type Answer } from './answer.ts';
import { CertificateAuthority } from './certificate-authority.ts';
import { readCertificateRequest, type CertificateRequest } from './certificate-request.ts';
import { hostObject, keyIn, type WebhookContext } from './context.ts';
import type { Identity } from './identity.ts';
import { notReady } from './layers.ts';
import { burnedNonceName, burnNonce } from './nonce-burn.ts';

/** A certificate that is made, and not handed out yet. */
interface Made {
  readonly ok: true;
  readonly certPem: string;
  readonly profile: CertificateProfile;
}

const LIFETIME_MS = 30 * 24 * 3_600_000;
/** Refusals that are logged; all of them are counted. */
const LOGGED = { perSecond: 2, burst: 50 };
const LOGGED_NAME_MAX = 253;

/** Issues certificates to hosts that may have them: the checks, the burn of the nonce, and who is told. */
export class IssuanceDesk {
  readonly #context: WebhookContext;
  readonly #admission: Admission;
  readonly #logged: TokenBucket;

  constructor(context: WebhookContext, admission: Admission) {
    this.#context = context;
    this.#admission = admission;
    this.#logged = new TokenBucket(LOGGED, context.clock);
  }

  /**
   * A host's first certificate. Whatever can refuse the request comes before its nonce is burned (architecture.md D13),
   * the making of the certificate too; nothing of it leaves this process unless the burn succeeds.
   */
  async enrol({ token, csrPem }: EnrollRequest): Promise<Answer> {
    const { clock } = this.#context;
    const { claims } = token;
    const now = clock.now();
    const listed = this.#admission.listedNonces(claims.nonce);
    const burned = this.#admission.knowsBurned(burnedNonceName(claims.nonce));
    const orgRoot = this.#admission.orgRoot(now);
    const genuine = judgeToken(token, { now, burned, listed, orgRoot });
    if (!genuine.ok) return this.#refuse('enroll', claims.hostname, genuine);
    const request = readCertificateRequest(csrPem);
    const verdict = judgeFirstRequest(request, claims, this.#admission.declaredHosts());
    if (!verdict.ok) return this.#refuse('enroll', claims.hostname, verdict);
    const made = await this.#make(request, claims.hostname, now);
    if (!made.ok) return this.#refuse('enroll', claims.hostname, made);
    const expiresAt = listed.reduce((until, entry) => laterOf(until, entry.expiresAt), claims.expiresAt);
    const lost = await this.#burn(claims.nonce, claims.hostname, expiresAt);
    if (lost !== undefined) return this.#refuse('enroll', claims.hostname, lost);
    this.#tell('enroll', claims.hostname, claims.hostname, made, `enroll/${burnedNonceName(claims.nonce)}`);
    return answerOf(made);
  }

  /** The next certificate of the host that presents the one in use, for that name only (architecture.md D12). */
  async renew({ csrPem }: RenewRequest, { hostname, peer }: Identity): Promise<Answer> {
    const request = readCertificateRequest(csrPem);
    const presented = { hostname, commonName: peer.commonName, suffix: this.#agents()?.cnSuffix ?? '' };
    const verdict = judgeRenewal(request, presented, this.#admission.declaredHosts());
    if (!verdict.ok) return this.#refuse('renew', hostname, verdict);
    const made = await this.#make(request, hostname, this.#context.clock.now());
    if (!made.ok) return this.#refuse('renew', hostname, made);
    this.#tell('renew', hostname, peer.commonName, made, `renew/prev:${peer.fingerprint}`);
    return answerOf(made);
  }

  async #make(
    request: CertificateRequest | undefined,
    machineId: string,
    now: Timestamp,
  ): Promise<Made | Refused> {
    const authority = this.#admission.authority();
    if (!(authority instanceof CertificateAuthority)) return refused('NoAuthority', authority.fault);
    if (!authority.isInForce(now)) {
      const { notBefore, notAfter } = authority;
      return refused('NoAuthority', `the agents' CA is valid from ${notBefore} to ${notAfter}: replace it`);
    }
    const agents = this.#agents();
    if (agents === undefined || request === undefined) return refused('NoRelease', 'no release is in force');
    const profile = certificateProfile({
      machineId,
      suffix: agents.cnSuffix,
      now,
      lifetimeMs: durationOr(agents.certificateLifetime, LIFETIME_MS),
      authorityNotAfter: authority.notAfter,
    });
    try {
      return { ok: true, certPem: await authority.issue(request, profile), profile };
    } catch (error) {
      this.#context.logger.warn({ err: error, host: machineId }, 'a certificate could not be made');
      return refused('NotSigned', 'the subject of the request cannot be written into a certificate');
    }
  }

  async #burn(nonce: string, hostname: string, expiresAt: Timestamp): Promise<Refused | undefined> {
    const { client, namespace } = this.#context;
    try {
      const requestId = this.#admission.newRequestId();
      const outcome = await burnNonce(client, { namespace, nonce, hostname, expiresAt, requestId });
      if (outcome === 'burned') return undefined;
      return refused('NonceUsed', 'the nonce was used in this very moment by another request');
    } catch (error) {
      this.#context.logger.error({ err: error, host: hostname }, 'a nonce cannot be burned');
      return refused('NotStored', 'the API server did not store that the nonce is burned');
    }
  }

  #agents() {
    const { stores, fleetName } = this.#context;
    return stores.fleets.get(keyIn(this.#context, fleetName))?.spec.agents;
  }

  #refuse(route: 'enroll' | 'renew', hostname: string, { status, reason, detail }: Refused): Answer {
    const { metrics, audit } = this.#context;
    metrics.certificateJudged(route, reason);
    if (this.#logged.tryTake()) {
      audit.warn(
        { route, host: hostname.slice(0, LOGGED_NAME_MAX), status, reason, detail },
        'a certificate was refused',
      );
    }
    return status === 503 ? notReady : bare(status);
  }

  #tell(
    route: 'enroll' | 'renew',
    hostname: string,
    requesterCn: string,
    { profile }: Made,
    context: string,
  ): void {
    const { metrics, audit, clock } = this.#context;
    const { commonName, notAfter } = profile;
    metrics.certificateJudged(route, 'Issued');
    audit.info(
      { at: clock.now(), requester_cn: requesterCn, issued_cn: commonName, not_after: notAfter, context },
      'certificate issued',
    );
    this.#admission.events.record({
      about: hostObject(this.#context, hostname) ?? this.#hostToCome(hostname),
      type: 'Normal',
      reason: route === 'enroll' ? 'HostEnrolled' : 'CertificateRenewed',
      message: `certificate ${commonName} is valid until ${notAfter}`,
    });
  }

  /** A host that is declared a moment ago may enrol before the leader has made its object. */
  #hostToCome(hostname: string): KubeObject {
    const { namespace } = this.#context;
    return { apiVersion: API_VERSION, kind: 'Host', metadata: { name: hostName(hostname), namespace } };
  }
}

function answerOf({ certPem, profile }: Made): Answer {
  return json(200, JSON.stringify({ certPem, notAfter: profile.notAfter } satisfies CertificateResponse));
}
