/* Owns how people get into the page's contacts and its database. */

import * as database from './database.js';
import { createUserWid } from './ids.js';
import { ContactStore } from './stores.js';

export function addContact({ number, name, pushname, mine = true }) {
  const wid = createUserWid(number);
  const contact = ContactStore.gadd(wid);
  contact.set({
    name: mine ? name : undefined,
    shortName: name.split(' ')[0],
    pushname: pushname || name,
    isAddressBookContact: mine ? 1 : 0,
  });
  storeContact(contact);
}
export function storeContact({ id, name, shortName, pushname, isAddressBookContact, type, phoneNumber }) {
  database.put('contacts', {
    id: String(id),
    name,
    shortName,
    pushname,
    isAddressBookContact,
    type,
    phoneNumber: phoneNumber && String(phoneNumber),
  });
}
