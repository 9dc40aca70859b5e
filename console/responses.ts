import type { ConversationDetail, ConversationSummary } from '../core/conversations/queries.ts';
import type { MediaLink } from '../core/media/media.ts';
import type { listButtonClicks, StoredMessage } from '../core/messages/queries.ts';
import type { Archived } from '../core/outbound/dead-letters/store.ts';
import type { GateView } from '../core/outbound/gate/hand.ts';
import type { Transcript } from '../core/outbound/view.ts';
import type { ThreadDryRun } from '../core/routing/dry-run.ts';
import type { Decision } from '../core/routing/rules.ts';
import type { RulesVersion, VersionedRules } from '../core/routing/store.ts';
import type { Flow } from './flow.ts';

/** The responses of the HTTP API, as the handlers return and the page reads them. */

export interface AboutConsole {
  /** The deployed stage; left out for the local engine. */
  readonly stage?: string;
  /** Whether a LiveChat simulator is available. */
  readonly simulator: boolean;
}

export interface ConversationPage {
  /** Latest activity first. */
  readonly conversations: readonly ConversationSummary[];
  /** Pass it as `after` to read the next page; left out on the last page. */
  readonly next?: string | undefined;
  /** In a search, how many conversations this request examined. */
  readonly searched?: number;
  /** In a search, the last activity of the last examined conversation; left out if there was none. */
  readonly searchedTo?: string | undefined;
}

/** A link to a stored file, valid for a limited time. */
interface Linked {
  readonly link?: MediaLink;
}

export interface ConversationResponse {
  readonly conversation: ConversationDetail;
  readonly messages: readonly (Transcript['messages'][number] & Linked)[];
  readonly notes: readonly (StoredMessage & Linked)[];
  readonly pending: Transcript['pending'];
  readonly routing: readonly Decision[];
  readonly next?: string | undefined;
}

export interface MessageResponse {
  readonly message: StoredMessage;
  readonly clicks: Awaited<ReturnType<typeof listButtonClicks>>;
}

export interface ExecutionSummary {
  /** The ARN. */
  readonly id: string;
  readonly name: string;
  readonly status: string;
  /** ISO 8601. */
  readonly startDate: string;
  readonly stopDate?: string;
}

export interface ExecutionPage {
  readonly executions: readonly ExecutionSummary[];
  readonly next?: string | undefined;
}

/** An event of GetExecutionHistory, with the details that all types share. */
export interface HistoryEvent {
  readonly id: number;
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly name?: string | undefined;
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
  readonly input?: string | undefined;
}

export interface ExecutionResponse {
  readonly execution: ExecutionSummary & {
    readonly error?: string | undefined;
    readonly cause?: string | undefined;
    readonly input?: string | undefined;
    readonly output?: string | undefined;
  };
  readonly history: readonly HistoryEvent[];
}

export interface DeadLetter extends Archived {
  /** The error category, a heading in docs/how-to/respond-to-alarms.md. */
  readonly category: string;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[];
  readonly next?: string | undefined;
}

export interface DeadLetterResponse {
  readonly deadLetter: DeadLetter;
  /** The archived request or event, and its error. */
  readonly content: unknown;
}

export interface RedriveDryRun {
  readonly deadLetters: readonly {
    readonly id: string;
    /** Why it cannot be redriven; left out if it can. */
    readonly reason?: string | undefined;
  }[];
}

export interface GateResponse {
  readonly gates: readonly GateView[];
}

export interface RulesResponse {
  readonly rules: readonly {
    readonly organizationId: string;
    readonly inForce: VersionedRules;
    readonly versions: readonly RulesVersion[];
  }[];
}

export interface DryRunResponse {
  readonly organizationId: string;
  readonly inForce: number;
  readonly results: readonly ThreadDryRun[];
}

/** The response of each GET under /api. */
export interface Responses {
  readonly '/console': AboutConsole;
  readonly '/conversations': ConversationPage;
  readonly '/conversations/:id': ConversationResponse;
  readonly '/messages/:id': MessageResponse;
  readonly '/executions': ExecutionPage;
  readonly '/executions/:id': ExecutionResponse;
  readonly '/dead-letters': DeadLetterPage;
  readonly '/dead-letters/:id': DeadLetterResponse;
  readonly '/gate': GateResponse;
  readonly '/routing/rules': RulesResponse;
  readonly '/flow': Flow;
}
