/* Owns the models of contacts, and what the page says of one. */

import { account } from './account.js';
import { createWid } from './ids.js';
import { otherName } from './lids.js';
import { Collection, Model } from './models.js';

/* What the page says of a contact. Written as functions of its attributes: libraries replace the getters of the model
 * by calls of these, and must not meet themselves again. */
export const contactFacts = {
  formattedName({ attributes: { id, name, pushname } }) {
    /* The address book knows numbers; somebody's lid is shown under the same name. */
    const known = id.isUser() ? ContactStore.get(otherName(id)) : undefined;
    return name || known?.attributes.name || pushname || (id.isLid() ? `~${id.user}` : `+${id.user}`);
  },
  formattedShortName: (contact) => contact.attributes.shortName || contactFacts.formattedName(contact),
  isMe: ({ attributes: { id } }) => account.isMe(id),
  isMyContact: ({ attributes: { isAddressBookContact } }) => Boolean(isAddressBookContact),
  isUser: ({ attributes: { id } }) => id.isUser(),
  isGroup: ({ attributes: { id } }) => id.isGroup(),
  userid: ({ attributes: { id } }) => id.user,
};

export class ContactModel extends Model {
  static props = [
    'id',
    'name',
    'shortName',
    'pushname',
    'phoneNumber',
    'type',
    'isAddressBookContact',
    'isBusiness',
    'isEnterprise',
    'isContactBlocked',
    'labels',
    'verifiedName',
  ];
  get formattedName() {
    return this.attributes && contactFacts.formattedName(this);
  }
  get formattedShortName() {
    return this.attributes && contactFacts.formattedShortName(this);
  }
  get isMe() {
    return Boolean(this.attributes && contactFacts.isMe(this));
  }
  get isMyContact() {
    return Boolean(this.attributes && contactFacts.isMyContact(this));
  }
  get isUser() {
    return Boolean(this.attributes && contactFacts.isUser(this));
  }
  get isGroup() {
    return Boolean(this.attributes && contactFacts.isGroup(this));
  }
  get isWAContact() {
    return true;
  }
  get userid() {
    return this.attributes && contactFacts.userid(this);
  }
}
ContactModel.prototype.proxyName = 'contact';

export class ContactCollectionImpl extends Collection {
  getMeContact() {
    return this.get(account.wid());
  }
  getFilteredContacts() {
    return this.getModelsArray();
  }
  gadd(id) {
    return this.get(id) || this.add({ id: createWid(id), type: 'in' });
  }
}

export const ContactStore = new ContactCollectionImpl(ContactModel);
