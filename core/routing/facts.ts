import type { EventData } from '../events/catalogue.ts';
import type { FormAnswer, Participant } from '../events/schemas.ts';
import { isOpen } from './hours.ts';
import type { OpeningHours, RuleSet } from './rules.ts';

/** What rules look at, of one thread. What is left out is not known, and fits nothing but `exists: false`. */
export interface RoutingFacts {
  /** The time that opening hours are held against; ISO 8601. */
  readonly at: string;
  readonly customer: Pick<Participant, 'name' | 'email'> & { readonly id?: string | undefined };
  readonly session: Readonly<Record<string, string>>;
  /** ISO 3166 alpha-2. */
  readonly country?: string | undefined;
  readonly language?: string | undefined;
  readonly groups: readonly number[];
  /** The address of the page from which the chat was begun. */
  readonly page?: string | undefined;
  /** Of the form before the chat. */
  readonly answers: readonly FormAnswer[];
  readonly returning?: boolean | undefined;
  /** What the customer wrote first. Left out as long as nothing was written, which is not the same as an empty text. */
  readonly message?: string | undefined;
}

/** What a fact holds: several values where any of them may fit, none where it is not known. */
export type FactValues = readonly (string | number | boolean)[] | 'not yet';

export type FactKind = 'text' | 'number' | 'boolean';

/** Session fields that name a language, as websites set them: LiveChat itself tells none. */
const languageFields = ['language', 'lang', 'locale'] as const;

/** A thread that an agent or a bot has begun is theirs, one that came by a transfer has been routed, and an inactive one goes nowhere. */
export function isToBeRouted({ reason, active, causedByUs, by }: EventData<'chat.started'>): boolean {
  return reason !== 'transferred' && active && !causedByUs && by?.type !== 'agent' && by?.type !== 'bot';
}

/** The facts of a thread as it begins. */
export function factsOf(started: EventData<'chat.started'>): RoutingFacts {
  const { participants, groups, sourcePage, returning, opening, createdAt } = started;
  const customer = participants.find(({ type }) => type === 'customer');
  return {
    at: createdAt,
    groups,
    page: sourcePage,
    answers: opening?.answers ?? [],
    returning,
    message: opening?.text,
    ...ofCustomer(customer),
  };
}

/** The same facts with the customer as known later: websites often set session fields a moment after the chat began. */
export function withCustomer(facts: RoutingFacts, participants: readonly Participant[]): RoutingFacts {
  const customer = participants.find(({ type }) => type === 'customer');
  return customer ? { ...facts, ...ofCustomer(customer) } : facts;
}

function ofCustomer(customer: Participant | undefined) {
  const session = customer?.fields ?? {};
  return {
    customer: { id: customer?.id, name: customer?.name, email: customer?.email },
    session,
    country: customer?.country,
    language: languageOf(session),
  };
}

/** `pl` of `pl`, `pl-PL` or `pl_PL`. */
function languageOf(session: Readonly<Record<string, string>>): string | undefined {
  const found = Object.entries(session).find(([name]) => languageFields.some((one) => one === name.toLowerCase()));
  return found?.[1].trim().split(/[-_]/)[0]?.toLowerCase() || undefined;
}

const known: Readonly<Record<string, { kind: FactKind; read: (facts: RoutingFacts) => FactValues }>> = {
  'customer.id': { kind: 'text', read: ({ customer }) => some(customer.id) },
  'customer.name': { kind: 'text', read: ({ customer }) => some(customer.name) },
  'customer.email': { kind: 'text', read: ({ customer }) => some(customer.email) },
  country: { kind: 'text', read: ({ country }) => some(country) },
  language: { kind: 'text', read: ({ language }) => some(language) },
  group: { kind: 'number', read: ({ groups }) => groups },
  page: { kind: 'text', read: ({ page }) => some(page) },
  returning: { kind: 'boolean', read: ({ returning }) => (returning === undefined ? [] : [returning]) },
  message: { kind: 'text', read: ({ message }) => (message === undefined ? 'not yet' : [message]) },
};

/** Facts of which a chat has as many as it has: their names go on after the dot. */
const families: Readonly<Record<string, FactKind>> = { session: 'text', answers: 'text', hours: 'boolean' };

/** How facts may be named, for error messages. */
export const factNames = [...Object.keys(known), ...Object.keys(families).map((family) => `${family}.<name>`)];

/** What kind of values a fact of this name has; undefined where there is no such fact. */
export function kindOf(fact: string): FactKind | undefined {
  if (Object.hasOwn(known, fact)) return known[fact]?.kind;
  const [family, name] = split(fact);
  return name && Object.hasOwn(families, family) ? families[family] : undefined;
}

/** `session.plan.name` is the field `plan.name`. */
export function split(fact: string): [family: string, name: string] {
  const dot = fact.indexOf('.');
  return dot < 0 ? [fact, ''] : [fact.slice(0, dot), fact.slice(dot + 1)];
}

/** The values of a fact; none for a name that nobody knows. */
export function valuesOf(fact: string, facts: RoutingFacts, hours: RuleSet['hours'] = {}): FactValues {
  if (Object.hasOwn(known, fact)) return known[fact]?.read(facts) ?? [];
  const [family, name] = split(fact);
  if (family === 'session') return Object.hasOwn(facts.session, name) ? some(facts.session[name]) : [];
  if (family === 'answers') return facts.answers.flatMap((answer) => (isNamed(answer, name) ? answer.values : []));
  return family === 'hours' && Object.hasOwn(hours, name) ? opening(hours[name], facts.at) : [];
}

/** Forms show labels as `E-mail:`; who writes rules should not have to know the colon. */
function isNamed({ id, label }: FormAnswer, name: string): boolean {
  return id === name || plain(label) === plain(name);
}

function plain(label: string): string {
  return label.trim().replace(/:$/, '').trimEnd().toLowerCase();
}

function opening(hours: OpeningHours | undefined, at: string): FactValues {
  const open = hours && isOpen(hours, new Date(at));
  return open === undefined ? [] : [open];
}

function some(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}
