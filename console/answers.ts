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

/** What the HTTP API answers; the handlers are held to it and the page reads it. */

export interface AboutConsole {
  /** Of a deployed bridge; left out for the local engine. */
  readonly stage?: string;
  /** Whether there is a simulator to play with. */
  readonly play: boolean;
}

export interface ConversationPage {
  /** Those with the latest activity first. */
  readonly conversations: readonly ConversationSummary[];
  /** Hand it back as `after` to read, or search, on; left out on the last page. */
  readonly next?: string | undefined;
  /** How many conversations this request has looked through; of a search alone. */
  readonly searched?: number;
  /** Down to which time of last activity it has looked; left out when there was nothing to look at. */
  readonly searchedTo?: string | undefined;
}

/** A link to a stored file, which works for a while. */
interface Linked {
  readonly link?: MediaLink;
}

export interface ConversationAnswer {
  readonly conversation: ConversationDetail;
  readonly messages: readonly (Transcript['messages'][number] & Linked)[];
  readonly notes: readonly (StoredMessage & Linked)[];
  readonly pending: Transcript['pending'];
  readonly routing: readonly Decision[];
  readonly next?: string | undefined;
}

export interface MessageAnswer {
  readonly message: StoredMessage;
  readonly clicks: Awaited<ReturnType<typeof listButtonClicks>>;
}

export interface ExecutionSummary {
  /** Its ARN. */
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

/** An event of GetExecutionHistory, as far as the page reads it; each kind has its own details. */
export interface HistoryEvent {
  readonly id: number;
  readonly type: string;
  /** ISO 8601. */
  readonly timestamp: string;
  readonly name?: string;
  readonly error?: string;
  readonly cause?: string;
  readonly input?: string;
}

export interface ExecutionAnswer {
  readonly execution: ExecutionSummary & {
    readonly error?: string | undefined;
    readonly cause?: string | undefined;
    readonly input?: string | undefined;
    readonly output?: string | undefined;
  };
  readonly history: readonly HistoryEvent[];
}

export interface DeadLetter extends Archived {
  /** By which the runbook has a paragraph. */
  readonly category: string;
}

export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetter[];
  readonly next?: string | undefined;
}

export interface DeadLetterAnswer {
  readonly deadLetter: DeadLetter;
  /** As it was kept: the request, what was known, the error. */
  readonly letter: unknown;
}

export interface RedrivePlan {
  readonly letters: readonly {
    readonly id: string;
    /** Why it cannot be redriven; left out where it can. */
    readonly refused?: string | undefined;
  }[];
}

export interface GateAnswer {
  readonly gates: readonly GateView[];
}

export interface RulesAnswer {
  readonly rules: readonly {
    readonly organizationId: string;
    readonly inForce: VersionedRules;
    readonly versions: readonly RulesVersion[];
  }[];
}

export interface DryRunAnswer {
  readonly organizationId: string;
  readonly inForce: number;
  readonly results: readonly ThreadDryRun[];
}

/** What each GET under /api answers. */
export interface Answers {
  readonly '/console': AboutConsole;
  readonly '/conversations': ConversationPage;
  readonly '/conversations/:id': ConversationAnswer;
  readonly '/messages/:id': MessageAnswer;
  readonly '/executions': ExecutionPage;
  readonly '/executions/:id': ExecutionAnswer;
  readonly '/dead-letters': DeadLetterPage;
  readonly '/dead-letters/:id': DeadLetterAnswer;
  readonly '/gate': GateAnswer;
  readonly '/routing/rules': RulesAnswer;
  readonly '/flow': Flow;
}
