import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { organizationName } from '../app/api.ts';
import { changeQuery, route } from '../app/route.ts';

/** The filters of a list. Each is a parameter of the route's query. */
export function Filters({ children }: { children: ComponentChildren }) {
  return (
    <search>
      <form class="filters" onSubmit={(submit) => submit.preventDefault()}>
        {children}
      </form>
    </search>
  );
}

/** Maximum ages in ms, as text, with their names. */
const ages: ReadonlyMap<string, string> = new Map([
  ['', 'any time'],
  ['900000', 'last 15 minutes'],
  ['3600000', 'last hour'],
  ['86400000', 'last day'],
  ['604800000', 'last week'],
]);

/** The parameter `age`: the maximum age in ms. */
export function AgeFilter({ label }: { label: string }) {
  return <SelectFilter name="age" label={label} options={[...ages.keys()]} text={(age) => ages.get(age) ?? age} />;
}

/** The time at which an age begins, ISO 8601; undefined for any age. */
export function sinceAge(age: string): string | undefined {
  return ages.has(age) && age !== '' ? new Date(Date.now() - Number(age)).toISOString() : undefined;
}

interface SelectFilterProps {
  readonly name: string;
  readonly label: string;
  /** The first is chosen if the query has none. */
  readonly options: readonly string[];
  /** The text of an option; by default its value, and "any" for an empty one. */
  readonly text?: (option: string) => string;
}

export function SelectFilter({ name, label, options, text = (option) => option || 'any' }: SelectFilterProps) {
  const value = route.value.query.get(name) ?? options[0];
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => changeQuery({ [name]: currentTarget.value })}>
        {options.map((option) => (
          <option key={option} value={option}>
            {text(option)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The organizations for {@link OrganizationFilter}, from the page that `keep` received last. */
export function useOrganizations() {
  const [organizations, setOrganizations] = useState<readonly string[]>([]);
  const keep = <Page extends { readonly organizations: readonly string[] }>(page: Page): Page => {
    setOrganizations(page.organizations);
    return page;
  };
  return { organizations, keep };
}

interface OrganizationFilterProps {
  readonly organizations: readonly string[];
  /** Whether the page can show all organizations at once. */
  readonly all?: boolean;
}

/** The parameter `organizationId`. Shows nothing if there is only one organization. */
export function OrganizationFilter({ organizations, all = true }: OrganizationFilterProps) {
  if (organizations.length < 2) return null;
  const text = (id: string) => {
    const name = organizationName(id);
    return name === id ? id || 'any' : `${name} (${id})`;
  };
  return (
    <SelectFilter
      name="organizationId"
      label="Organization"
      options={all ? ['', ...organizations] : organizations}
      text={text}
    />
  );
}

export function SearchFilter({ name, label, placeholder }: { name: string; label: string; placeholder: string }) {
  return (
    <label>
      {label}
      <input
        type="search"
        placeholder={placeholder}
        value={route.value.query.get(name) ?? ''}
        onInput={({ currentTarget: { value } }) => changeQuery({ [name]: value })}
      />
    </label>
  );
}
