/* The numbers of a trace in C, and the store of what they write: a part of _native.c.

   Read compiler/program/store.py first, which has the same in Python, and compiler/trace/traced.py. Here are the sums,
   differences and products of two traced numbers, which are nearly all that a trace writes; everything else is asked of
   the rules in Python. */

/* ---------------------------------------------------------------- the store */

enum { CODE_ADD = 1, CODE_SUB, CODE_MUL, CODE_NEG, CODE_WHERE }; /* as in store.py */
enum { NEVER_MINUS_ZERO = 1, COMMUTATIVE = 2 };                  /* what is known of a row, as in store.py */
#define NO_OPERAND INT32_MIN
#define CONSTANTS 256 /* of those asked for last, by hash */

typedef struct {
    int32_t operands[3];
    uint16_t code, facts;
} Written;

typedef struct {
    uint64_t bits;
    int32_t place;
    int is_there;
} Constant;

typedef struct {
    uint32_t hash; /* of the row, so that most others need not be looked at */
    uint32_t number; /* of the row, from 1 on; 0 for none */
} Slot;

typedef struct {
    PyObject_HEAD
    Written *rows;
    Slot *slots; /* by hash */
    size_t count, room, slot_count;
    unsigned long owner; /* the thread that may write, 0 for none */
    Constant constants[CONSTANTS];
} Store;

static PyTypeObject *StoreType, *PlaceType, *TracedType;
static PyObject *slow_rules[3][2]; /* of sum, difference and product, with a traced number on the left and on the right */

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static Constant *constant_at(Store *store, double x) {
    uint64_t h = bits_of(x) * UINT64_C(0x9E3779B97F4A7C15);
    return &store->constants[h >> 56];
}

static uint32_t hash_of(const Written *row) {
    uint32_t a = (uint32_t)row->operands[0], b = (uint32_t)row->operands[1];
    if (row->facts & COMMUTATIVE && a > b) a = (uint32_t)row->operands[1], b = (uint32_t)row->operands[0];
    uint64_t h = ((uint64_t)a << 32 | b) * UINT64_C(0x9E3779B97F4A7C15);
    h ^= h >> 29;
    h = (h + ((uint64_t)(uint32_t)row->operands[2] << 16) + row->code) * UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t)(h ^ h >> 32);
}

static int is_same(const Written *x, const Written *y) {
    if (x->code != y->code || x->operands[2] != y->operands[2]) return 0;
    if (x->operands[0] == y->operands[0] && x->operands[1] == y->operands[1]) return 1;
    return x->facts & COMMUTATIVE && x->operands[0] == y->operands[1] && x->operands[1] == y->operands[0];
}

static int grow_slots(Store *store) {
    size_t size = store->slot_count ? 2 * store->slot_count : 1024;
    Slot *slots = PyMem_Calloc(size, sizeof *slots);
    if (slots == NULL) return PyErr_NoMemory(), -1;
    for (size_t k = 0; k < store->slot_count; k++)
        if (store->slots[k].number) {
            size_t at = store->slots[k].hash & (size - 1);
            while (slots[at].number) at = (at + 1) & (size - 1);
            slots[at] = store->slots[k];
        }
    PyMem_Free(store->slots);
    store->slots = slots;
    store->slot_count = size;
    return 0;
}

/* Write a row, and return its number; -1 with an error. */
static Py_ssize_t append_row(Store *store, const Written *row) {
    if (store->count == store->room) {
        size_t room = store->room ? 2 * store->room : 256;
        Written *rows = room > INT32_MAX ? NULL : PyMem_Realloc(store->rows, room * sizeof *rows);
        if (rows == NULL) return PyErr_NoMemory(), -1;
        store->rows = rows;
        store->room = room;
    }
    store->rows[store->count] = *row;
    return (Py_ssize_t)store->count++;
}

/* Return the number of a row like this one, which is written if there is none; -1 with an error. */
static Py_ssize_t enter_row(Store *store, const Written *row) {
    if (2 * store->count >= store->slot_count && grow_slots(store) < 0) return -1;
    uint32_t hash = hash_of(row);
    size_t at = hash & (store->slot_count - 1);
    for (Slot *slot; (slot = &store->slots[at])->number; at = (at + 1) & (store->slot_count - 1))
        if (slot->hash == hash && is_same(&store->rows[slot->number - 1], row)) return (Py_ssize_t)slot->number - 1;
    Py_ssize_t number = append_row(store, row);
    if (number >= 0) store->slots[at] = (Slot){hash, (uint32_t)number + 1};
    return number;
}

static int row_from(PyObject *const *args, Py_ssize_t n, Written *row) {
    if (n != 3 || !PyTuple_Check(args[1]) || PyTuple_GET_SIZE(args[1]) > 3) {
        PyErr_SetString(PyExc_TypeError, "a code, a tuple of up to three operands, and facts are wanted");
        return -1;
    }
    long code = PyLong_AsLong(args[0]);
    if (!PyErr_Occurred() && (code < 0 || code > UINT16_MAX)) PyErr_SetString(PyExc_OverflowError, "too many kinds of instruction");
    row->code = (uint16_t)code;
    row->facts = (uint16_t)PyLong_AsLong(args[2]);
    for (Py_ssize_t i = 0; i < 3; i++)
        row->operands[i] = i < PyTuple_GET_SIZE(args[1]) ? (int32_t)PyLong_AsLong(PyTuple_GET_ITEM(args[1], i)) : NO_OPERAND;
    return PyErr_Occurred() ? -1 : 0;
}

static PyObject *store_enter(PyObject *self, PyObject *const *args, Py_ssize_t n) {
    Written row;
    if (row_from(args, n, &row) < 0) return NULL;
    Py_ssize_t number = enter_row((Store *)self, &row);
    return number < 0 ? NULL : PyLong_FromSsize_t(number);
}

static PyObject *store_append(PyObject *self, PyObject *const *args, Py_ssize_t n) {
    Written row;
    if (row_from(args, n, &row) < 0) return NULL;
    Py_ssize_t number = append_row((Store *)self, &row);
    return number < 0 ? NULL : PyLong_FromSsize_t(number);
}

static const Written *row_at(PyObject *self, PyObject *number) {
    Py_ssize_t i = PyLong_AsSsize_t(number);
    if (i < 0 || (size_t)i >= ((Store *)self)->count) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_IndexError, "there is no row of this number");
        return NULL;
    }
    return &((Store *)self)->rows[i];
}

static PyObject *store_code(PyObject *self, PyObject *number) {
    const Written *row = row_at(self, number);
    return row == NULL ? NULL : PyLong_FromLong(row->code);
}

static PyObject *store_facts(PyObject *self, PyObject *number) {
    const Written *row = row_at(self, number);
    return row == NULL ? NULL : PyLong_FromLong(row->facts);
}

static PyObject *store_operands(PyObject *self, PyObject *number) {
    const Written *row = row_at(self, number);
    if (row == NULL) return NULL;
    Py_ssize_t count = 0;
    while (count < 3 && row->operands[count] != NO_OPERAND) count++;
    PyObject *operands = PyTuple_New(count);
    for (Py_ssize_t i = 0; operands != NULL && i < count; i++) {
        PyObject *place = PyLong_FromLong(row->operands[i]);
        if (place == NULL) return Py_DECREF(operands), NULL;
        PyTuple_SET_ITEM(operands, i, place);
    }
    return operands;
}

/* begin(count): the rows of so many inputs, which have the code 0. */
static PyObject *store_begin(PyObject *self, PyObject *count) {
    Written row = {{NO_OPERAND, NO_OPERAND, NO_OPERAND}, 0, 0};
    for (Py_ssize_t left = PyLong_AsSsize_t(count); left > 0; left--)
        if (append_row((Store *)self, &row) < 0) return NULL;
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* remember(x, place): where a constant is. */
static PyObject *store_remember(PyObject *self, PyObject *const *args, Py_ssize_t n) {
    double x = n == 2 ? PyFloat_AsDouble(args[0]) : 0.0;
    long place = n == 2 ? PyLong_AsLong(args[1]) : 0;
    if (PyErr_Occurred()) return NULL;
    *constant_at((Store *)self, x) = (Constant){bits_of(x), (int32_t)place, 1};
    Py_RETURN_NONE;
}

static PyObject *store_table(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    Store *store = (Store *)self;
    return PyBytes_FromStringAndSize((const char *)store->rows, (Py_ssize_t)(store->count * sizeof *store->rows));
}

static Py_ssize_t store_length(PyObject *self) { return (Py_ssize_t)((Store *)self)->count; }

static void store_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(((Store *)self)->rows);
    PyMem_Free(((Store *)self)->slots);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMethodDef store_methods[] = {
    {"enter", (PyCFunction)(void (*)(void))store_enter, METH_FASTCALL, NULL},
    {"append_row", (PyCFunction)(void (*)(void))store_append, METH_FASTCALL, NULL},
    {"code", store_code, METH_O, NULL},
    {"facts", store_facts, METH_O, NULL},
    {"operands", store_operands, METH_O, NULL},
    {"table", store_table, METH_NOARGS, NULL},
    {"begin", store_begin, METH_O, NULL},
    {"remember", (PyCFunction)(void (*)(void))store_remember, METH_FASTCALL, NULL},
    {NULL, NULL, 0, NULL},
};
static PyMemberDef store_members[] = {{"owner", T_ULONG, offsetof(Store, owner), 0, NULL}, {NULL, 0, 0, 0, NULL}};
static PyType_Slot store_slots[] = {
    {Py_tp_dealloc, store_dealloc}, {Py_tp_methods, store_methods}, {Py_tp_members, store_members},
    {Py_sq_length, store_length},   {0, NULL},
};
static PyType_Spec store_spec = {"autograd._native.Store", sizeof(Store), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 store_slots};

/* ---------------------------------------------------------------- the numbers */

typedef struct {
    PyObject_HEAD
    PyObject *trace;
    Py_ssize_t place;
    int is_stored; /* the trace is a Store */
} Place;

static PyObject *place_at(PyTypeObject *type, PyObject *trace, Py_ssize_t number) {
    Place *place = (Place *)type->tp_alloc(type, 0);
    if (place == NULL) return NULL;
    place->trace = Py_NewRef(trace);
    place->place = number;
    place->is_stored = 1;
    return (PyObject *)place;
}

static int place_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"trace", "place", NULL};
    PyObject *trace;
    Py_ssize_t number;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "On", names, &trace, &number)) return -1;
    Place *place = (Place *)self;
    Py_XSETREF(place->trace, Py_NewRef(trace));
    place->place = number;
    place->is_stored = PyObject_TypeCheck(trace, StoreType);
    return 0;
}

static void place_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((Place *)self)->trace);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *ask_rule(PyObject *left, PyObject *right, int code) {
    int reflected = !PyObject_TypeCheck(left, PlaceType);
    PyObject *rule = slow_rules[code - CODE_ADD][reflected];
    if (rule == NULL) Py_RETURN_NOTIMPLEMENTED;
    return PyObject_CallFunctionObjArgs(rule, reflected ? right : left, reflected ? left : right, NULL);
}

/* Find the place of an operand in the store: 0 where Python has to be asked. */
static int find_operand(Store *store, PyObject *trace, PyObject *x, int32_t *place) {
    if (Py_IS_TYPE(x, TracedType)) {
        Place *number = (Place *)x;
        if (number->trace != trace || number->place < 0 || (size_t)number->place >= store->count) return 0;
        *place = (int32_t)number->place;
        return 1;
    }
    if (!PyFloat_CheckExact(x)) return 0;
    Constant *known = constant_at(store, PyFloat_AS_DOUBLE(x));
    if (!known->is_there || known->bits != bits_of(PyFloat_AS_DOUBLE(x))) return 0;
    *place = known->place;
    return 1;
}

#define ASK_PYTHON (-2)

static inline int never_minus_zero(const Written *x) { return x->facts & NEVER_MINUS_ZERO; }

/* Return the place of a sum, difference, product or negation, by the rules of simplify.py; −1 with an error, ASK_PYTHON
   where the rules there have to say. At most one of two operands is a constant, c; the place of a constant is below 0. */
static Py_ssize_t emit(Store *store, int code, int32_t left, int32_t right, double c) {
    static const Written nothing = {{NO_OPERAND, NO_OPERAND, NO_OPERAND}, 0, 0};
    Written a = left < 0 ? nothing : store->rows[left], b = right < 0 ? nothing : store->rows[right];
    Written row = {{left, right, NO_OPERAND}, (uint16_t)code, code == CODE_ADD || code == CODE_MUL ? COMMUTATIVE : 0};
    uint16_t fact = !signbit(c) || c != 0.0 ? NEVER_MINUS_ZERO : 0; /* of the constant */
    if (left < 0) a.facts = fact;
    if (right < 0) b.facts = fact;
    int one_is = left < 0 || right < 0;
    int32_t other = left < 0 ? right : left, inner_a = a.operands[0], inner_b = b.operands[0];
    switch (code) {
    case CODE_NEG:
        if (a.code == CODE_NEG) return inner_a;
        break;
    case CODE_ADD:
        if (one_is && c == 0.0 && (signbit(c) || never_minus_zero(left < 0 ? &b : &a))) return other;
        if (b.code == CODE_NEG) return emit(store, CODE_SUB, left, inner_b, c);
        if (a.code == CODE_NEG) return emit(store, CODE_SUB, right, inner_a, c);
        if (a.code == CODE_WHERE && b.code == CODE_WHERE) return ASK_PYTHON;
        row.facts |= (a.facts | b.facts) & NEVER_MINUS_ZERO; /* −0.0 is only the sum of two of them */
        break;
    case CODE_SUB:
        if (right < 0 && c == 0.0 && (!signbit(c) || never_minus_zero(&a))) return left;
        if (b.code == CODE_NEG) return emit(store, CODE_ADD, left, inner_b, c);
        break;
    default:
        if (one_is && c == 1.0) return other;
        if (one_is && c == -1.0) return emit(store, CODE_NEG, other, NO_OPERAND, 0.0);
        if (one_is && (a.code == CODE_NEG || b.code == CODE_NEG)) return ASK_PYTHON; /* for another constant */
        if (a.code == CODE_NEG && b.code == CODE_NEG) return emit(store, CODE_MUL, inner_a, inner_b, 0.0);
        if (a.code == CODE_NEG || b.code == CODE_NEG) {
            Py_ssize_t place = emit(store, CODE_MUL, a.code == CODE_NEG ? inner_a : left,
                                    b.code == CODE_NEG ? inner_b : right, 0.0);
            return place < 0 ? place : emit(store, CODE_NEG, (int32_t)place, NO_OPERAND, 0.0);
        }
        if (left == right) row.facts |= NEVER_MINUS_ZERO; /* a square */
    }
    return enter_row(store, &row);
}

/* A sum, difference or product. */
static PyObject *write_operation(PyObject *left, PyObject *right, int code) {
    if (code == CODE_ADD && PyFloat_Check(left) && bits_of(PyFloat_AS_DOUBLE(left)) == bits_of(-0.0))
        return Py_NewRef(right); /* −0.0, with which an adjoint begins, changes no number */
    Place *known = (Place *)(Py_IS_TYPE(left, TracedType) ? left : right);
    if (!Py_IS_TYPE(known, TracedType) || !known->is_stored) return ask_rule(left, right, code);
    Store *store = (Store *)known->trace;
    int32_t a, b;
    if (store->owner != PyThread_get_thread_ident() || !find_operand(store, known->trace, left, &a) ||
        !find_operand(store, known->trace, right, &b))
        return ask_rule(left, right, code);
    double c = a < 0 ? PyFloat_AS_DOUBLE(left) : b < 0 ? PyFloat_AS_DOUBLE(right) : 0.0;
    Py_ssize_t number = emit(store, code, a, b, c);
    if (number == ASK_PYTHON) return ask_rule(left, right, code);
    return number < 0 ? NULL : place_at(TracedType, known->trace, number);
}

static PyObject *place_add(PyObject *left, PyObject *right) { return write_operation(left, right, CODE_ADD); }
static PyObject *place_sub(PyObject *left, PyObject *right) { return write_operation(left, right, CODE_SUB); }
static PyObject *place_mul(PyObject *left, PyObject *right) { return write_operation(left, right, CODE_MUL); }

static PyMemberDef place_members[] = {
    {"trace", T_OBJECT_EX, offsetof(Place, trace), READONLY, NULL},
    {"place", T_PYSSIZET, offsetof(Place, place), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};
static PyType_Slot place_slots[] = {
    {Py_tp_init, place_init},  {Py_tp_dealloc, place_dealloc}, {Py_tp_members, place_members},
    {Py_nb_add, place_add},    {Py_nb_subtract, place_sub},    {Py_nb_multiply, place_mul},
    {0, NULL},
};
static PyType_Spec place_spec = {"autograd._native.Place", sizeof(Place), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 place_slots};

/* set_traced(cls, rules): the class of the results, and its rules in Python, two for each of + − ×. */
static PyObject *set_traced(PyObject *Py_UNUSED(self), PyObject *args) {
    PyObject *cls, *rules;
    if (!PyArg_ParseTuple(args, "O!O!", &PyType_Type, &cls, &PyTuple_Type, &rules)) return NULL;
    if (PyTuple_GET_SIZE(rules) != 6) return PyErr_Format(PyExc_ValueError, "six rules are wanted");
    Py_XSETREF(TracedType, (PyTypeObject *)Py_NewRef(cls));
    for (int i = 0; i < 6; i++) Py_XSETREF(slow_rules[i / 2][i % 2], Py_NewRef(PyTuple_GET_ITEM(rules, i)));
    Py_RETURN_NONE;
}

static int add_traced(PyObject *module) {
    StoreType = (PyTypeObject *)PyType_FromSpec(&store_spec);
    PlaceType = (PyTypeObject *)PyType_FromSpec(&place_spec);
    if (StoreType == NULL || PlaceType == NULL) return -1;
    if (PyModule_AddObjectRef(module, "Store", (PyObject *)StoreType) < 0) return -1;
    return PyModule_AddObjectRef(module, "Place", (PyObject *)PlaceType);
}
